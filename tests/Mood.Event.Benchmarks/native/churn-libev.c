/* Io watchers that are started, stopped and changed repeatedly. */
#include "libev.h"

static int32_t calls;

static void
ready (EV_P_ ev_io *w, int revents)
{
  (void)loop, (void)w, (void)revents;
  ++calls;
}

static ev_io *
watchers (const int32_t *fds, int32_t count)
{
  ev_io *all = malloc (count * sizeof *all);
  int32_t i;

  for (i = 0; i < count; ++i)
    ev_io_init (all + i, ready, fds [i], EV_READ);

  calls = 0;
  return all;
}

/* All watchers are started, then stopped, repeatedly. Returns ns per start and stop. */
BENCH_API double
bench_ev_churn (const int32_t *fds, int32_t count, int32_t passes)
{
  struct ev_loop *loop = ev_loop_new (EVFLAG_AUTO);
  ev_io *all = watchers (fds, count);
  int32_t i, pass, active = 0;
  double time = bench_busy ();

  for (pass = 0; pass < passes; ++pass)
    {
      for (i = 0; i < count; ++i)
        ev_io_start (loop, all + i);

      active += ev_is_active (all + pass % count) != 0;

      for (i = 0; i < count; ++i)
        ev_io_stop (loop, all + i);

      active -= ev_is_active (all + pass % count) != 0;
    }

  time = bench_busy () - time;
  ev_loop_destroy (loop);
  free (all);
  return active == passes ? time / passes / count : BENCH_WRONG;
}

/* Returns ns per start, iteration, stop and iteration. */
BENCH_API double
bench_ev_churn_iterations (const int32_t *fds, int32_t count, int32_t operations)
{
  struct ev_loop *loop = ev_loop_new (EVFLAG_AUTO);
  ev_io *all = watchers (fds, count);
  int32_t i, k, active = 0;
  double time = bench_busy ();

  for (i = 0, k = 0; i < operations; ++i)
    {
      ev_io_start (loop, all + k);
      ev_run (loop, EVRUN_NOWAIT);
      active += ev_is_active (all + k) != 0;
      ev_io_stop (loop, all + k);
      ev_run (loop, EVRUN_NOWAIT);

      if (++k == count)
        k = 0;
    }

  time = bench_busy () - time;
  ev_loop_destroy (loop);
  free (all);
  return active == operations && calls == 0 ? time / operations : BENCH_WRONG;
}

/* Returns ns per change between Read and Read | Write, with an iteration after each change. Every second change makes its watcher
 * writable, and the iteration after it calls the watcher. */
BENCH_API double
bench_ev_churn_events (const int32_t *fds, int32_t count, int32_t operations)
{
  struct ev_loop *loop = ev_loop_new (EVFLAG_AUTO);
  ev_io *all = watchers (fds, count);
  int32_t i, k, expected = 0;
  double time;

  for (i = 0; i < count; ++i)
    ev_io_start (loop, all + i);

  time = bench_busy ();

  for (i = 0, k = 0; i < operations; ++i)
    {
      ev_io_stop (loop, all + k);
      ev_io_set (all + k, all [k].fd, all [k].events & EV_WRITE ? EV_READ : EV_READ | EV_WRITE);
      ev_io_start (loop, all + k);
      expected += (all [k].events & EV_WRITE) != 0;
      ev_run (loop, EVRUN_NOWAIT);

      /* Each watcher is changed twice in a row, so that it is writable for one iteration. */
      if (i & 1 && ++k == count)
        k = 0;
    }

  time = bench_busy () - time;
  ev_loop_destroy (loop);
  free (all);
  return calls == expected && calls == operations / 2 ? time / operations : BENCH_WRONG;
}
