/* ev_io. watcher.c starts and stops it, like all watchers. */
#include "libev.h"

#include <errno.h>
#include <fcntl.h>

void
mood_io_set (mood_watcher *w, int32_t fd, int32_t events)
{
  ev_io_set ((ev_io *)w, fd, events);
}

int32_t
mood_fd_check (int32_t fd)
{
  int flags = fcntl (fd, F_GETFD);

  return flags < 0 ? -errno : !!(flags & FD_CLOEXEC);
}
