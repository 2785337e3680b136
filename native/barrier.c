/* How to know that the host has handled every signal that came before now.
 *
 * The host (the .NET runtime) writes each signal into a pipe, first in, first out, and one thread of its own reads it. So a
 * signal of ours, raised at this very thread, lies behind all that came before, and when the host's handler for it
 * runs, those have been handled. Each raise is one ticket; the signal is a real-time one, of which none is merged with
 * another. child.c and the host's last stop of a signal rely on it.
 *
 * There may be several of us in the process: libraries, each with a host of its own, and hosts that share a library (the
 * assembly in several load contexts). What one raises is not to count for another. So each library takes a signal that
 * nobody has a handler for, and each host counts for itself: it is called once per raise at most, so the one that is
 * furthest is not ahead of what was handled.
 */
#include "libev.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#if __linux__
# include <dirent.h>
# include <fcntl.h>
# include <stdio.h>
# include <stdlib.h>
# include <string.h>
# include <sys/syscall.h>
# include <time.h>
#endif

enum { HOSTS = 64 };

static int lock, raised, hosts, handled [HOSTS];
static int chosen; /* 0: nobody has asked yet */

static int
furthest (void)
{
  int i, last = __atomic_load_n (handled, __ATOMIC_SEQ_CST);

  for (i = __atomic_load_n (&hosts, __ATOMIC_SEQ_CST); --i > 0; )
    {
      int h = __atomic_load_n (handled + i, __ATOMIC_SEQ_CST);

      if (h - last > 0)
        last = h;
    }

  return last;
}

#ifdef SIGRTMAX

static int
choose (void)
{
  int signum;

  for (signum = SIGRTMAX; signum > SIGRTMIN; --signum)
    {
      struct sigaction now;

      if (!sigaction (signum, 0, &now) && !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL)
        return signum;
    }

  return SIGRTMAX;
}

/* the last one is what the first library in a process takes, so it is nobody's to watch */
int
mood_barrier_owns (int signum)
{
  return signum == SIGRTMAX || signum == __atomic_load_n (&chosen, __ATOMIC_SEQ_CST);
}

#else

static int
choose (void)
{
  return SIGURG;
}

int
mood_barrier_owns (int signum)
{
  return signum == SIGURG;
}

#endif

/* until its handler is there, the signal is free for others to take: the host lets one of all hosts in here at a time */
int32_t
mood_barrier_join (int32_t *signum)
{
  int host = -1; /* one too many: it need not count, the others do */

  mood_lock (&lock);

  if (!chosen)
    __atomic_store_n (&chosen, choose (), __ATOMIC_SEQ_CST);

  if (hosts < HOSTS)
    {
      host = hosts;
      __atomic_store_n (handled + host, furthest (), __ATOMIC_SEQ_CST);
      __atomic_store_n (&hosts, hosts + 1, __ATOMIC_SEQ_CST);
    }

  *signum = chosen;
  mood_unlock (&lock);
  return host;
}

/* no thread of a managed process blocks signals: it is in the host's pipe before this returns, in the order of tickets */
int32_t
mood_barrier_raise (void)
{
  int ticket;

  mood_lock (&lock);
  ticket = ++raised;

  /* our own handler runs inside the signal, and the host's behind it: there is no pipe to wait for */
  if (mood_signals == MOOD_SIGNALS_NATIVE)
    __atomic_store_n (handled, ticket, __ATOMIC_SEQ_CST);
  else
    pthread_kill (pthread_self (), chosen);

  mood_unlock (&lock);
  return ticket;
}

/* -- before the barrier --------------------------------------------------------------------------------------------
 *
 * A signal sent to the process is some thread's to take, mostly the main thread's. On a busy machine it is in nobody's pipe yet
 * when the barrier is, in two moments:
 *   pending    no thread has run since to take it
 *   taken      the thread that took it was set aside before the host's handler wrote it into the pipe
 */

/* sigpending tells of blocked signals only */
static int
is_pending (const sigset_t *signals)
{
  sigset_t old, waiting;
  int signum;

  sigemptyset (&waiting);
  pthread_sigmask (SIG_BLOCK, signals, &old);
  sigpending (&waiting);
  pthread_sigmask (SIG_SETMASK, &old, 0);

  for (signum = 1; signum < NSIG && signum <= 64; ++signum)
    if (sigismember (signals, signum) == 1 && sigismember (&waiting, signum) == 1)
      return 1;

  return 0;
}

#if __linux__

enum { THREADS = 256, ENOUGH = 100 * 1000 }; /* nanoseconds on a processor: the handler takes a few thousand */

typedef struct { int id; int64_t ran; } thread;

/* In nanoseconds, to the moment (/proc tells of the last tick only). Less than 0: the thread has ended. */
static int64_t
ran_for (int id)
{
  const int32_t of_thread = 4 | 2; /* the kernel's number for the clock of a thread's time on a processor */
  struct timespec ran;

  return clock_gettime ((clockid_t)(~(uint32_t)id << 3 | of_thread), &ran) ? -1 : ran.tv_sec * (int64_t)1000000000 + ran.tv_nsec;
}

/* one that sleeps in a system call is not between taking a signal and writing it: that one wants to run, or runs */
static int
is_running (int id)
{
  char text [512];
  const char *state;
  ssize_t length;
  int fd;

  snprintf (text, sizeof text, "/proc/self/task/%d/stat", id);
  fd = open (text, O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    return 0; /* ended */

  length = read (fd, text, sizeof text - 1);
  close (fd);
  text [length > 0 ? length : 0] = 0;
  state = strrchr (text, ')'); /* the name before it may hold anything */
  return state && !strncmp (state, ") R", 3);
}

static int
find_running (thread *threads)
{
  DIR *directory = opendir ("/proc/self/task");
  struct dirent *entry;
  int count = 0, self = (int)syscall (SYS_gettid);

  while (directory && count < THREADS && (entry = readdir (directory)))
    {
      int id = atoi (entry->d_name);

      if (id && id != self && is_running (id) && (threads [count].ran = ran_for (id)) >= 0)
        threads [count++].id = id;
    }

  if (directory)
    closedir (directory);

  return count;
}

#endif

void
mood_barrier_await (uint64_t signums)
{
  const int step = 50, patience = 1000 * 1000; /* microseconds */
  int waited = 0, signum;
  sigset_t signals;

  sigemptyset (&signals);

  for (signum = 1; signum <= 64; ++signum)
    if (signums >> (signum - 1) & 1)
      sigaddset (&signals, signum);

  while (is_pending (&signals) && waited < patience)
    {
      usleep (step);
      waited += step;
    }

#if __linux__
  thread threads [THREADS];
  int count = find_running (threads);

  while (count && waited < patience)
    {
      thread *last = threads + count - 1;
      int64_t ran = ran_for (last->id);

      if (ran < 0 || ran - last->ran >= ENOUGH || !is_running (last->id))
        --count;
      else
        {
          usleep (step);
          waited += step;
        }
    }
#endif
}

void
mood_barrier_handled (int32_t host)
{
  if (host >= 0)
    __atomic_add_fetch (handled + host, 1, __ATOMIC_SEQ_CST);

  mood_child_passed ();
}

int32_t
mood_barrier_passed (int32_t ticket)
{
  return furthest () - ticket >= 0;
}
