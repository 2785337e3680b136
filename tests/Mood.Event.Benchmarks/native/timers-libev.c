/* Many timers are started and expire. Timers are postponed, and are started and stopped among a large number of others. */
#include "libev.h"

static int32_t calls, wanted;

static void
called (EV_P_ ev_timer *w, int revents)
{
  (void)w, (void)revents;

  if (++calls == wanted)
    ev_break (EV_A_ EVBREAK_ALL);
}

static ev_timer *
timers (int32_t count)
{
  ev_timer *all = malloc (count * sizeof *all);
  int32_t i;

  for (i = 0; i < count; ++i)
    ev_timer_init (all + i, called, 0., 0.);

  return all;
}

static double
finish (struct ev_loop *loop, double result)
{
  ev_loop_destroy (loop);
  return result;
}

/* Each of `count` timers is started and expires after its own time, repeatedly. Returns ns per start and call. */
BENCH_API double
bench_ev_timers_fire (const double *times, int32_t count, int32_t passes)
{
  struct ev_loop *loop = ev_loop_new (EVFLAG_AUTO);
  ev_timer *all = timers (count);
  double time = bench_busy ();
  int32_t i, pass;

  calls = 0;
  wanted = 0;

  for (pass = 0; pass < passes; ++pass)
    {
      ev_now_update (loop);

      for (i = 0; i < count; ++i)
        {
          ev_timer_set (all + i, times [i], 0.);
          ev_timer_start (loop, all + i);
        }

      ev_run (loop, 0);
    }

  time = bench_busy () - time;
  free (all);
  return finish (loop, calls == count * passes ? time / calls : BENCH_WRONG);
}

/* Repeating timers that are due in every iteration, among others that are never due. Returns ns per call and re-arm. */
BENCH_API double
bench_ev_timers_repeat (const double *times, int32_t others, int32_t active, int32_t callbacks, double *bytes)
{
  struct ev_loop *loop = ev_loop_new (EVFLAG_AUTO);
  ev_timer *all, *due = timers (active);
  int64_t before = bench_malloced ();
  double time;
  int32_t i;

  all = timers (others);
  calls = 0;
  wanted = callbacks;

  for (i = 0; i < others; ++i)
    {
      ev_timer_set (all + i, times [i], 0.);
      ev_timer_start (loop, all + i);
    }

  *bytes = (double)(bench_malloced () - before) / others;

  for (i = 0; i < active; ++i)
    {
      ev_timer_set (due + i, 0., 1e-9);
      ev_timer_start (loop, due + i);
    }

  ev_run (loop, EVRUN_NOWAIT);
  calls = 0;
  time = bench_busy ();
  ev_run (loop, 0);
  time = bench_busy () - time;

  free (all);
  free (due);
  return finish (loop, calls >= callbacks && calls < callbacks + active ? time / calls : BENCH_WRONG);
}

/* Active timers are postponed in a mixed order, among others that do not change. Returns ns per ev_timer_again. */
BENCH_API double
bench_ev_timers_again (const double *times, int32_t others, int32_t count, int32_t operations)
{
  struct ev_loop *loop = ev_loop_new (EVFLAG_AUTO);
  ev_timer *all = timers (others), *mine = timers (count);
  double time, last;
  int32_t i, k;

  calls = 0;
  wanted = 0;

  for (i = 0; i < others; ++i)
    {
      ev_timer_set (all + i, times [i], 0.);
      ev_timer_start (loop, all + i);
    }

  for (i = 0; i < count; ++i)
    {
      mine [i].repeat = times [others + i];
      ev_timer_again (loop, mine + i);
    }

  time = bench_busy ();

  for (i = 0, k = 0; i < operations; ++i)
    {
      ev_timer_again (loop, mine + k);

      if ((k += 7919) >= count)
        k %= count;

      if (i % 1000 == 999)
        ev_now_update (loop); /* the time of the loop moves */
    }

  time = bench_busy () - time;
  last = ev_timer_remaining (loop, mine);
  free (all);
  free (mine);
  return finish (loop, calls == 0 && last > 0. && last <= times [others] ? time / operations : BENCH_WRONG);
}

/* `count` timers are started and then stopped, repeatedly, among others that do not change. Returns ns per start and stop. */
BENCH_API double
bench_ev_timers_start (const double *times, int32_t others, int32_t count, int32_t passes)
{
  struct ev_loop *loop = ev_loop_new (EVFLAG_AUTO);
  ev_timer *all = timers (others), *mine = timers (count);
  int32_t i, pass, active = 0;
  double time;

  calls = 0;
  wanted = 0;

  for (i = 0; i < others; ++i)
    {
      ev_timer_set (all + i, times [i], 0.);
      ev_timer_start (loop, all + i);
    }

  for (i = 0; i < count; ++i)
    ev_timer_set (mine + i, times [others + i], 0.);

  time = bench_busy ();

  for (pass = 0; pass < passes; ++pass)
    {
      for (i = 0; i < count; ++i)
        ev_timer_start (loop, mine + i);

      active += ev_is_active (mine + pass % count) != 0;

      for (i = 0; i < count; ++i)
        ev_timer_stop (loop, mine + i);

      active -= ev_is_active (mine + pass % count) != 0;
    }

  time = bench_busy () - time;
  free (all);
  free (mine);
  return finish (loop, active == passes ? time / passes / count : BENCH_WRONG);
}
