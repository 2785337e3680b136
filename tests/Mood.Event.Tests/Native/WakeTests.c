/* A wake of another thread is stopped after each of its instructions, and the loop's thread runs the loop meanwhile. The definition of
 * epoll_wait below replaces that of the C library. WakeTests.cs runs this program. */
#include "libev.h"
#include "host.h"
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>

#if __x86_64__

enum { DURING_POLL = 40 /* so many instructions of the sender may come during the poll */ };

static mood_loop *loop;
static int woken; /* the calls of wake */

/* The sender stops when it has run `allowed` instructions. `steps`: how many it has run. `over`: its wake has ended. */
static int allowed, steps, over;
static int during_poll; /* how many instructions of the sender come during the next poll */

static void
event (void *data, mood_watcher *w, int32_t revents)
{
  (void)data;
  (void)w;
  (void)revents;
}

static void
wake (void *data)
{
  (void)data;
  ++woken;
}

static double
reschedule (void *data, mood_watcher *w, double now)
{
  (void)data;
  (void)w;
  return now + 1.;
}

static const mood_callbacks callbacks = { event, pending, wake, reschedule, 0, 0 };

/* With the trap flag, the processor raises SIGTRAP after each instruction. */
static void
trap (int signum)
{
  int step = __atomic_add_fetch (&steps, 1, __ATOMIC_SEQ_CST);

  (void)signum;

  while (step >= __atomic_load_n (&allowed, __ATOMIC_SEQ_CST))
    sched_yield ();
}

static void *
send (void *argument)
{
  __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
  mood_loop_wake (loop);
  __asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
  __atomic_store_n (&over, 1, __ATOMIC_SEQ_CST);
  return argument;
}

/* Lets the sender run so many instructions, and waits until it has. */
static void
allow (int instructions)
{
  __atomic_store_n (&allowed, instructions, __ATOMIC_SEQ_CST);

  while (!__atomic_load_n (&over, __ATOMIC_SEQ_CST) && __atomic_load_n (&steps, __ATOMIC_SEQ_CST) < instructions)
    sched_yield ();
}

int
epoll_wait (int fd, struct epoll_event *events, int count, int timeout)
{
  static int (*real) (int, struct epoll_event *, int, int);
  int result;

  if (!real)
    real = (int (*) (int, struct epoll_event *, int, int))dlsym (RTLD_NEXT, "epoll_wait");

  result = real (fd, events, count, timeout);

  if (during_poll)
    allow (allowed + during_poll);

  during_poll = 0;
  return result;
}

/* Returns 0 if the sender has ended before it was to be stopped. */
static int
attempt (int before, int during)
{
  pthread_t thread;
  int stopped;

  steps = over = 0;
  allowed = before;
  CHECK (!pthread_create (&thread, 0, send, 0));
  allow (before);
  stopped = !__atomic_load_n (&over, __ATOMIC_SEQ_CST);

  /* As Loop.Start does when there are posted actions. No watcher keeps the loop alive, so it runs once and does not wait. */
  woken = 0;
  during_poll = during;
  mood_loop_wake (loop);
  mood_loop_run (loop, 0);

  if (!woken)
    fprintf (stderr, "lost after %d instructions, and %d during the poll\n", before, during);

  CHECK (woken);
  __atomic_store_n (&allowed, 1 << 30, __ATOMIC_SEQ_CST);
  CHECK (!pthread_join (thread, 0));
  mood_loop_run (loop, 0);
  mood_loop_run (loop, 0);
  return stopped;
}

int
main (void)
{
  struct sigaction action = { 0 };
  int before, during;

  action.sa_handler = trap;
  CHECK (!sigaction (SIGTRAP, &action, 0));
  mood_initialize (MOOD_SIGNALS_NATIVE);
  CHECK (!mood_loop_new (EVFLAG_NOENV | EVBACKEND_EPOLL, 0, &callbacks, &loop, &loop));
  mood_loop_wake (loop); /* the first call is long, because the linker looks for the function */
  mood_loop_run (loop, 0);

  for (during = 0; during <= DURING_POLL; ++during)
    for (before = 1; attempt (before, during); ++before)
      CHECK (before < 10000);

  mood_loop_close (loop);
  mood_loop_release (loop);
  puts ("done");
  return 0;
}

#else

static void
event (void *data, mood_watcher *w, int32_t revents)
{
  (void)data;
  (void)w;
  (void)revents;
}

int
main (void)
{
  (void)event;
  (void)pending;
  puts ("the trap flag is one of x86\ndone");
  return 0;
}

#endif
