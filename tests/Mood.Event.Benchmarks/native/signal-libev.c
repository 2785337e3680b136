/* The time from kill on one thread to the callback on the thread of a loop. */
#include "libev.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

enum { PATIENCE = 5000 }; /* the milliseconds within which a signal must come */

static double seen; /* the time of the callback, or 0 before the callback */

static void
came (EV_P_ ev_signal *w, int revents)
{
  double now = bench_now ();

  (void)loop, (void)w, (void)revents;
  __atomic_store (&seen, &now, __ATOMIC_RELEASE);
}

static void
ends (EV_P_ ev_async *w, int revents)
{
  (void)w, (void)revents;
  ev_break (EV_A_ EVBREAK_ALL);
}

static void *
run (void *loop)
{
  ev_run (loop, 0);
  return 0;
}

/* Stores the nanoseconds of each signal. The process sleeps between the signals. */
BENCH_API double
bench_ev_signal (int32_t signum, int32_t count, double *latencies)
{
  struct ev_loop *loop = ev_loop_new (EVFLAG_AUTO);
  ev_signal watcher;
  ev_async end;
  pthread_t thread;
  double none = 0, start, time;
  int32_t i, waits = 0;

  ev_signal_init (&watcher, came, signum);
  ev_signal_start (loop, &watcher);
  ev_async_init (&end, ends);
  ev_async_start (loop, &end);

  if (pthread_create (&thread, 0, run, loop))
    return BENCH_UNAVAILABLE;

  for (i = 0; i < count && waits < PATIENCE; ++i)
    {
      __atomic_store (&seen, &none, __ATOMIC_RELEASE);
      start = bench_now ();
      kill (getpid (), signum);

      for (waits = 0; waits < PATIENCE; ++waits)
        {
          usleep (1000);
          __atomic_load (&seen, &time, __ATOMIC_ACQUIRE);

          if (time)
            break;
        }

      latencies [i] = time - start;
    }

  ev_async_send (loop, &end);
  pthread_join (thread, 0);
  ev_signal_stop (loop, &watcher);
  ev_loop_destroy (loop);
  return waits < PATIENCE ? 0 : BENCH_WRONG;
}
