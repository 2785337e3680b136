/* recv and send of sockets. They do not wait, because the host has made the socket non-blocking. (Windows has no MSG_DONTWAIT.) Winsock's
 * errors have the numbers of System.Net.Sockets.SocketError. */
#include <winsock2.h>

#include "../libev.h"

/* With an empty buffer, the caller asks whether there is something to receive. recv of zero bytes would not tell, so this peeks. */
int32_t
mood_socket_receive (int32_t fd, char *buffer, int32_t size)
{
  char byte;
  int count = size ? recv ((SOCKET)fd, buffer, size, 0) : recv ((SOCKET)fd, &byte, 1, MSG_PEEK);

  return count < 0 ? -WSAGetLastError () : size ? count : 0;
}

int32_t
mood_socket_send (int32_t fd, const char *buffer, int32_t size)
{
  int count = send ((SOCKET)fd, buffer, size, 0);

  return count < 0 ? -WSAGetLastError () : count;
}

int32_t
mood_socket_take_error (int32_t fd)
{
  (void)fd;
  return 0; /* Windows has no error queues */
}
