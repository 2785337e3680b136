/* The time from kill on one thread to the callback on the thread of a loop. */
#include <uv.h>

#include "bench.h"

#include <signal.h>
#include <unistd.h>

enum { PATIENCE = 5000 }; /* the milliseconds within which a signal must come */

static double seen; /* the time of the callback, or 0 before the callback */

static void
came (uv_signal_t *handle, int signum)
{
  double now = bench_now ();

  (void)handle, (void)signum;
  __atomic_store (&seen, &now, __ATOMIC_RELEASE);
}

static void
ends (uv_async_t *async)
{
  uv_stop (async->loop);
}

static void
run (void *loop)
{
  uv_run (loop, UV_RUN_DEFAULT);
}

/* Stores the nanoseconds of each signal. The process sleeps between the signals. */
BENCH_API double
bench_uv_signal (int32_t signum, int32_t count, double *latencies)
{
  uv_loop_t loop;
  uv_signal_t watcher;
  uv_async_t end;
  uv_thread_t thread;
  double none = 0, start, time;
  int32_t i, waits = 0;

  uv_loop_init (&loop);
  uv_signal_init (&loop, &watcher);
  uv_signal_start (&watcher, came, signum);
  uv_async_init (&loop, &end, ends);

  if (uv_thread_create (&thread, run, &loop))
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

  uv_async_send (&end);
  uv_thread_join (&thread);
  uv_close ((uv_handle_t *)&watcher, 0);
  uv_close ((uv_handle_t *)&end, 0);
  uv_run (&loop, UV_RUN_DEFAULT);
  uv_loop_close (&loop);
  return waits < PATIENCE ? 0 : BENCH_WRONG;
}
