/* Making and destroying loops, and runs that do not wait. */
#include "libev.h"

static void
woken (EV_P_ ev_async *w, int revents)
{
  (void)loop, (void)w, (void)revents;
}

/* Makes and destroys loops. With `wakes`, each loop has an ev_async, so that other threads can wake it. */
BENCH_API double
bench_ev_loop (int32_t operations, int32_t wakes)
{
  int32_t i, made = 0;
  double time = bench_busy ();

  for (i = 0; i < operations; ++i)
    {
      struct ev_loop *loop = ev_loop_new (EVFLAG_AUTO);
      ev_async wake;

      if (wakes)
        {
          ev_async_init (&wake, woken);
          ev_async_start (loop, &wake);
        }

      made += loop != 0;
      ev_loop_destroy (loop);
    }

  time = bench_busy () - time;
  return made == operations ? time / operations : BENCH_WRONG;
}

static int32_t calls;

static void
called (EV_P_ ev_idle *w, int revents)
{
  (void)loop, (void)w, (void)revents;
  ++calls;
}

static void
never (EV_P_ ev_timer *w, int revents)
{
  (void)loop, (void)w, (void)revents;
}

/* Runs that do not wait, in a loop with idle watchers and a timer that is not due. */
BENCH_API double
bench_ev_nowait (int32_t watchers, int32_t runs)
{
  struct ev_loop *loop = ev_loop_new (EVFLAG_AUTO);
  ev_idle *idles = malloc ((watchers + 1) * sizeof *idles);
  ev_timer timer;
  double time;
  int32_t i;

  calls = 0;
  ev_timer_init (&timer, never, 1000., 0.);
  ev_timer_start (loop, &timer);

  for (i = 0; i < watchers; ++i)
    {
      ev_idle_init (idles + i, called);
      ev_idle_start (loop, idles + i);
    }

  time = bench_busy ();

  for (i = 0; i < runs; ++i)
    ev_run (loop, EVRUN_NOWAIT);

  time = bench_busy () - time;
  ev_loop_destroy (loop);
  free (idles);
  return calls == watchers * runs ? time / runs : BENCH_WRONG;
}
