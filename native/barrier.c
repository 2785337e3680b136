/* How to know that the host has handled every signal that came before now.
 *
 * The host (the .NET runtime) writes each signal into a pipe, first in, first out, and one thread of its own reads it. So a
 * signal of ours, raised at this very thread, lies behind all that came before, and when the host's handler for it
 * runs, those have been handled. Each raise is one ticket; the signal is a real-time one, of which none is merged with
 * another. child.c and the host's last stop of a signal rely on it.
 */
#include "libev.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>
#if __linux__
# include <dirent.h>
# include <fcntl.h>
# include <stdio.h>
# include <stdlib.h>
# include <string.h>
# include <sys/syscall.h>
#endif

#ifdef SIGRTMAX
# define BARRIER SIGRTMAX
#else
# define BARRIER SIGURG
#endif

static int lock, raised, handled;

int32_t
mood_barrier_signal (void)
{
  return BARRIER;
}

/* no thread of a managed process blocks signals: it is in the host's pipe before this returns, in the order of tickets */
int32_t
mood_barrier_raise (void)
{
  int ticket;

  while (__atomic_exchange_n (&lock, 1, __ATOMIC_ACQUIRE))
    sched_yield ();

  ticket = ++raised;

  /* our own handler runs inside the signal, and the host's behind it: there is no pipe to wait for */
  if (mood_signals == MOOD_SIGNALS_NATIVE)
    __atomic_store_n (&handled, ticket, __ATOMIC_SEQ_CST);
  else
    pthread_kill (pthread_self (), BARRIER);

  __atomic_store_n (&lock, 0, __ATOMIC_RELEASE);
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
is_pending (int signum)
{
  sigset_t one, old, waiting;

  sigemptyset (&one);
  sigaddset (&one, signum);
  sigemptyset (&waiting);
  pthread_sigmask (SIG_BLOCK, &one, &old);
  sigpending (&waiting);
  pthread_sigmask (SIG_SETMASK, &old, 0);
  return sigismember (&waiting, signum);
}

#if __linux__

enum { THREADS = 256, ENOUGH = 100 * 1000 }; /* nanoseconds on a processor: the handler takes a few thousand */

typedef struct { int id; unsigned long long ran; } thread;

/* a file of a thread in /proc, or an empty text: the thread has ended */
static const char *
read_of (int id, const char *name, char *text, size_t size)
{
  ssize_t length;
  int fd;

  snprintf (text, size, "/proc/self/task/%d/%s", id, name);
  fd = open (text, O_RDONLY | O_CLOEXEC);
  length = fd < 0 ? 0 : read (fd, text, size - 1);

  if (fd >= 0)
    close (fd);

  text [length > 0 ? length : 0] = 0;
  return text;
}

/* One that sleeps in a system call is not between taking a signal and writing it: that one wants to run, or runs. Where the
 * kernel does not tell how long it ran, there is nothing to wait for. */
static int
is_running (int id, unsigned long long *ran)
{
  char text [512];
  const char *state = strrchr (read_of (id, "stat", text, sizeof text), ')'); /* the name before it may hold anything */

  if (!state || strncmp (state, ") R", 3))
    return 0;

  *ran = strtoull (read_of (id, "schedstat", text, sizeof text), 0, 10);
  return *text != 0;
}

static int
find_running (thread *threads)
{
  DIR *directory = opendir ("/proc/self/task");
  struct dirent *entry;
  int count = 0, self = (int)syscall (SYS_gettid);

  while (directory && count < THREADS && (entry = readdir (directory)))
    {
      threads [count].id = atoi (entry->d_name);

      if (threads [count].id && threads [count].id != self && is_running (threads [count].id, &threads [count].ran))
        ++count;
    }

  if (directory)
    closedir (directory);

  return count;
}

#endif

void
mood_barrier_await (int32_t signum)
{
  const int step = 50, patience = 1000 * 1000; /* microseconds */
  int waited = 0;

  while (is_pending (signum) && waited < patience)
    {
      usleep (step);
      waited += step;
    }

#if __linux__
  thread threads [THREADS];
  int count = find_running (threads);

  while (count && waited < patience)
    {
      unsigned long long ran;
      thread *last = threads + count - 1;

      if (!is_running (last->id, &ran) || ran - last->ran >= ENOUGH)
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
mood_barrier_handled (void)
{
  __atomic_add_fetch (&handled, 1, __ATOMIC_SEQ_CST);
  mood_child_passed ();
}

int32_t
mood_barrier_passed (int32_t ticket)
{
  return __atomic_load_n (&handled, __ATOMIC_SEQ_CST) - ticket >= 0;
}
