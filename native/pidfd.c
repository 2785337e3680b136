/* pidfds, and the state of one child as the kernel reports it. An open pidfd always means the same process. The kernel may give a pid to
 * another process, after the first one was reaped.
 *
 * A daemon may close all file descriptors of its process. Files that it opens later get the same numbers: a pidfd is therefore
 * marked, as the files of a loop are (libev/descriptors.c), and its mark is checked before it is used or closed. A wait on a
 * pidfd of the program would reap a child of the program.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#if __linux__
# include <sys/ioctl.h>
# include <sys/syscall.h>
#endif

#if __APPLE__

int
mood_pidfd_own (int fd)
{
  (void)fd;
  return 0;
}

int32_t
mood_pidfd_open (int32_t pid)
{
  (void)pid;
  return -1;
}

static int
wait_pidfd (int fd, siginfo_t *info, int options)
{
  (void)fd;
  (void)info;
  (void)options;
  return -1;
}

static int
signal_pidfd (int fd, int signum)
{
  (void)fd;
  (void)signum;
  return -1;
}

static int
told_status (int fd, int *status)
{
  (void)fd;
  (void)status;
  return -1;
}

#else

/* The kernel's numbers. An older C library does not define them. */
enum { PIDFD_SEND_SIGNAL = 424, PIDFD_OPEN = 434, BY_PIDFD = 3 };

static int
wait_pidfd (int fd, siginfo_t *info, int options)
{
  return waitid ((idtype_t)BY_PIDFD, (id_t)fd, info, options);
}

static int
signal_pidfd (int fd, int signum)
{
  return (int)syscall (PIDFD_SEND_SIGNAL, fd, signum, 0, 0);
}

/* The mark of a pidfd: a signal number for F_SETSIG that no file of a loop carries. */
enum { PIDFD_MARK = 62 };

static int unmarked; /* atomic, written once: the kernel does not store marks */

int
mood_pidfd_own (int fd)
{
  return fd >= 0 && (__atomic_load_n (&unmarked, __ATOMIC_RELAXED) || fcntl (fd, F_GETSIG) == PIDFD_MARK);
}

/* Opens a pidfd of a process, close-on-exec. -1: the kernel has no usable pidfds (before 5.4 waitid does not accept them), there is no such
 * process, or no file descriptor is left. Any thread. */
int32_t
mood_pidfd_open (int32_t pid)
{
  static int supported = -1; /* atomic, written once */
  siginfo_t info;
  int fd, known = __atomic_load_n (&supported, __ATOMIC_RELAXED);

  if (!known || mood_is_lacking (MOOD_PIDFD))
    return -1;

  fd = (int)syscall (PIDFD_OPEN, pid, 0);

  if (fd >= 0 && known < 0)
    {
      known = !wait_pidfd (fd, &info, WEXITED | WNOHANG | WNOWAIT) || errno == ECHILD;
      __atomic_store_n (&supported, known, __ATOMIC_RELAXED);
    }

  if (fd >= 0 && !known)
    {
      close (fd);
      fd = -1;
    }

  if (fd >= 0 && (fcntl (fd, F_SETSIG, PIDFD_MARK) < 0 || fcntl (fd, F_GETSIG) != PIDFD_MARK))
    __atomic_store_n (&unmarked, 1, __ATOMIC_RELAXED);

  return fd;
}

/* The status of a child that has been reaped. 1: the status is known; 0: the child is not reaped yet; -1: this kernel does not tell. */
static int
told_status (int fd, int *status)
{
  struct
  {
    uint64_t mask, cgroup;
    uint32_t pid, tgid, ppid, ids [8];
    int32_t status;
  } info;                         /* struct pidfd_info, in its first version */
  const uint64_t wanted = 1 << 3; /* PIDFD_INFO_EXIT */

  memset (&info, 0, sizeof info);
  info.mask = wanted;

  if (mood_is_lacking (MOOD_PIDFD_INFO) || ioctl (fd, _IOWR (0xff, 11, char [64]), &info) < 0) /* PIDFD_GET_INFO */
    return -1;

  *status = info.status;
  return !!(info.mask & wanted);
}

#endif

void
mood_pidfd_close (int32_t fd)
{
  if (mood_pidfd_own (fd))
    close (fd);
}

/* the wait status that waitpid would have given */
int
mood_pidfd_wait_status (const siginfo_t *info)
{
  switch (info->si_code)
    {
      case CLD_EXITED: return (info->si_status & 0xff) << 8;
      case CLD_KILLED: return info->si_status & 0x7f;
      case CLD_DUMPED: return (info->si_status & 0x7f) | 0x80;
      case CLD_CONTINUED: return 0xffff;
      default: return (info->si_status & 0xff) << 8 | 0x7f; /* stopped, trapped */
    }
}

/* 1: info is filled, 0: nothing new, -1: not a child of this process, or not any more */
int
mood_pidfd_look (int fd, pid_t pid, siginfo_t *info, int options)
{
  int result;

  memset (info, 0, sizeof *info);

  if (!mood_pidfd_own (fd))
    fd = -1;

  do
    result = fd >= 0 ? wait_pidfd (fd, info, options | WNOHANG) : waitid (P_PID, (id_t)pid, info, options | WNOHANG);
  while (result < 0 && errno == EINTR);

  return result < 0 ? -1 : info->si_pid == pid;
}

void
mood_pidfd_reap (int32_t fd, int32_t pid)
{
  siginfo_t info;

  mood_pidfd_look (fd, pid, &info, WEXITED);
}

/* Sends a signal to a child, and never to another process with its pid. 0: sent; 1: the child has ended; -errno.
 * Without a pidfd, the pid is safe only if this thread alone may reap the child, and has not done so. 2: refused, because another part of
 * the process may reap the child at any moment. */
int
mood_pidfd_kill (int fd, pid_t pid, int signum, int shared)
{
  siginfo_t info;

  if (mood_pidfd_look (fd, pid, &info, WEXITED | WNOWAIT))
    return 1;

  if (!mood_pidfd_own (fd) && shared)
    return 2;

  if (!(mood_pidfd_own (fd) ? signal_pidfd (fd, signum) : kill (pid, signum)))
    return 0;

  return errno == ESRCH ? 1 : -errno;
}

/* Returns END_NONE, END_ZOMBIE, END_GONE or END_REAPING: see child.h. Any thread. */
int32_t
mood_pidfd_end (int32_t fd, int32_t pid, int32_t *status)
{
  siginfo_t info;
  struct pollfd ended = { .fd = fd, .events = POLLIN };
  int told, result = mood_pidfd_look (fd, pid, &info, WEXITED | WNOWAIT);

  *status = result > 0 ? mood_pidfd_wait_status (&info) : -1;

  if (result >= 0)
    return result ? END_ZOMBIE : END_NONE;

  told = mood_pidfd_own (fd) ? told_status (fd, status) : -1;

  if (told > 0)
    return END_GONE;

  *status = -1;

  /* a process that lives, and that the kernel refuses to wait for, is not a child */
  return !told && poll (&ended, 1, 0) > 0 ? END_REAPING : END_GONE;
}
