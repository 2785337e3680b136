/* Streams over pipes and terminals. A loop cannot wait for these on Windows. Streams over sockets do not use these functions. */
#include "../libev.h"

#include <errno.h>

int32_t
mood_stream_open (int32_t fd, int32_t uses)
{
  (void)fd;
  (void)uses;
  return -ENOSYS - 16;
}

int32_t
mood_stream_read (int32_t fd, int32_t mode, char *buffer, int32_t size)
{
  (void)fd;
  (void)mode;
  (void)buffer;
  (void)size;
  return -ENOSYS;
}

int32_t
mood_stream_write (int32_t fd, int32_t mode, const char *buffer, int32_t size)
{
  (void)fd;
  (void)mode;
  (void)buffer;
  (void)size;
  return -ENOSYS;
}

int32_t
mood_stream_poll (int32_t fd, int32_t writes, int32_t milliseconds)
{
  (void)fd;
  (void)writes;
  (void)milliseconds;
  return -ENOSYS;
}
