/* ev_io. */
#include <winsock2.h>
#include <windows.h>

#include "../libev.h"

#include <errno.h>

void
mood_io_set (mood_watcher *w, int32_t fd, int32_t events)
{
  ev_io_set ((ev_io *)w, fd, events);
}

/* Only sockets can be watched. The system ignores the two lowest bits of a handle, so four numbers name the same socket. libev would treat
 * them as different sockets, so only the number without these bits is accepted. */
int32_t
mood_fd_check (int32_t fd)
{
  int type, size = sizeof type;
  DWORD flags;

  if (fd >= MOOD_FDS)
    return -ERANGE;

  if (fd <= 0 || fd & 3 || !GetHandleInformation ((HANDLE)(intptr_t)fd, &flags))
    return -EBADF;

  if (getsockopt ((SOCKET)fd, SOL_SOCKET, SO_TYPE, (char *)&type, &size) && WSAGetLastError () == WSAENOTSOCK)
    return -ENOTSOCK;

  return !(flags & HANDLE_FLAG_INHERIT);
}
