/* Reads and writes of pipes, FIFOs and terminals that never block, and never change what other users of the file see.
 *
 * O_NONBLOCK belongs to the open file description. A terminal's description is shared by standard input, output and error, and
 * with the shell that waits for this process. If a stream set the flag there, the other users would get EAGAIN, also after this
 * process has ended. If it cleared the flag at its end, the other streams would block. So a stream opens the file once more, which
 * makes a description of its own, and sets the flag there.
 *
 * Some files cannot be opened once more: anonymous inodes, files of other users, pipes outside Linux. Their own descriptor is
 * polled before each call, and written in small pieces.
 * The master of a pseudo-terminal cannot be opened once more either, because that would make another pseudo-terminal. A write of even
 * one byte may block after poll has allowed it. No shell shares the master, so the stream sets the flag there.
 * recv and send of a socket have a flag for each call (MSG_DONTWAIT). */
#include "libev.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
# define MSG_NOSIGNAL 0
#endif

/* How many bytes fit into a pipe that poll calls writable: POSIX.1, pipe(7). Into a writable terminal, one byte fits. */
#ifdef __linux__
# define PIECE 4096
#else
# define PIECE 512
#endif

#define TERMINAL_PIECE 1

/* Returns 1 if fd is the master of a pseudo-terminal. To open a master again makes another pseudo-terminal. */
static int
is_master (int fd)
{
#ifdef TIOCGPTN
  unsigned number;
  return !ioctl (fd, TIOCGPTN, &number);
#else
  char name [128];
  return ttyname_r (fd, name, sizeof name) != 0; /* the master has no name */
#endif
}

static int
reopen (int fd, int flags)
{
  char path [128];

#ifdef __linux__
  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
#else
  if (ttyname_r (fd, path, sizeof path))
    return -1;
#endif

  int own;

  do
    own = open (path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  while (own < 0 && errno == EINTR);

  return own;
}

static int
same_file (int a, int b)
{
  struct stat one, two;
  return !fstat (a, &one) && !fstat (b, &two) && one.st_dev == two.st_dev && one.st_ino == two.st_ino
         && one.st_rdev == two.st_rdev;
}

/* Poll calls an eventfd writable if a write of the value 1 would not block. A write of a larger value may still block. */
static int
is_eventfd (int fd)
{
#ifdef __linux__
  char path [64], target [64];
  ssize_t length;

  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  length = readlink (path, target, sizeof target - 1);
  target [length > 0 ? length : 0] = 0;
  return !strcmp (target, "anon_inode:[eventfd]");
#else
  (void)fd;
  return 0;
#endif
}

int32_t
mood_stream_open (int32_t fd, int32_t uses)
{
  struct stat status;
  int flags = fcntl (fd, F_GETFL);

  if (flags < 0 || fstat (fd, &status))
    return -errno - 16;

  if (S_ISREG (status.st_mode) || S_ISDIR (status.st_mode) || S_ISBLK (status.st_mode))
    return MOOD_STREAM_REFUSED;

  if (S_ISSOCK (status.st_mode))
    return MOOD_STREAM_SOCKET;

  /* `uses`: bit 0: the stream will be read, bit 1: it will be written */
  int access = flags & O_ACCMODE;

  if ((access == O_RDONLY && (uses & 2)) || (access == O_WRONLY && (uses & 1)))
    return -EACCES - 16;

  if (uses & 2 && !(flags & O_NONBLOCK) && is_eventfd (fd))
    return MOOD_STREAM_REFUSED;

  if (!S_ISFIFO (status.st_mode) && (!isatty (fd) || is_master (fd)))
    {
      if (isatty (fd))
        fcntl (fd, F_SETFL, flags | O_NONBLOCK);

      return MOOD_STREAM_PATIENT;
    }

  int own = reopen (fd, uses == 3 ? O_RDWR : uses == 2 ? O_WRONLY : O_RDONLY);

  if (own >= 0 && !same_file (fd, own))
    {
      close (own);
      own = -1;
    }

  return own >= 0 ? own : MOOD_STREAM_PATIENT;
}

int32_t
mood_stream_poll (int32_t fd, int32_t writes, int32_t milliseconds)
{
  struct pollfd p = { fd, writes ? POLLOUT : POLLIN, 0 };
  int ready = poll (&p, 1, milliseconds);

  if (ready < 0)
    return -errno;

  /* The other side of a terminal is closed, and the terminal is full. No reader will make room, so a wait for it would spin. */
  if (writes && (p.revents & (POLLHUP | POLLOUT)) == POLLHUP)
    return -EIO;

  return ready && p.revents & POLLNVAL ? -EBADF : ready;
}

static int32_t
may_go (int32_t fd, int32_t mode, int32_t writes)
{
  if (mode != MOOD_STREAM_PATIENT)
    return 1;

  int32_t ready;

  do
    ready = mood_stream_poll (fd, writes, 0);
  while (ready == -EINTR);

  return ready ? ready : MOOD_STREAM_BLOCKS;
}

static int32_t
result (ssize_t count)
{
  return count >= 0 ? (int32_t)count : errno == EAGAIN || errno == EWOULDBLOCK ? MOOD_STREAM_BLOCKS : -errno;
}

int32_t
mood_stream_read (int32_t fd, int32_t mode, char *buffer, int32_t size)
{
  ssize_t count;

  do
    {
      int32_t go = may_go (fd, mode, 0);

      if (go < 0)
        return go;

      count = mode == MOOD_STREAM_SOCKET ? recv (fd, buffer, size, MSG_DONTWAIT) : read (fd, buffer, size);
    }
  while (count < 0 && errno == EINTR);

  /* a terminal whose other side is closed */
  if (count < 0 && errno == EIO && mode != MOOD_STREAM_SOCKET)
    return 0;

  return result (count);
}

int32_t
mood_stream_write (int32_t fd, int32_t mode, const char *buffer, int32_t size)
{
  ssize_t count;

  if (mode == MOOD_STREAM_PATIENT)
    {
      int32_t piece = isatty (fd) && !(fcntl (fd, F_GETFL) & O_NONBLOCK) ? TERMINAL_PIECE : PIECE;
      size = size < piece ? size : piece;
    }

  int tries = 0;

  do
    {
      int32_t go = may_go (fd, mode, 1);

      if (go < 0)
        return go;

      count = mode == MOOD_STREAM_SOCKET ? send (fd, buffer, size, MSG_DONTWAIT | MSG_NOSIGNAL) : write (fd, buffer, size);
    }
  while (count < 0 && (errno == EINTR || (errno == EAGAIN && mode == MOOD_STREAM_PATIENT && ++tries < 2)));

  /* Poll calls an eventfd writable although this value does not fit, so a wait with poll would spin. The second try succeeds if a
   * reader has emptied the counter after the first one. */
  if (count < 0 && errno == EAGAIN && mode == MOOD_STREAM_PATIENT)
    return is_eventfd (fd) ? -EOVERFLOW : MOOD_STREAM_BLOCKS;

  return result (count);
}

int32_t
mood_file_identity (const char *path, int64_t *identity)
{
  struct stat status;

  if (lstat (path, &status))
    return -errno;

  identity [0] = (int64_t)status.st_dev;
  identity [1] = (int64_t)status.st_ino;
  return 0;
}
