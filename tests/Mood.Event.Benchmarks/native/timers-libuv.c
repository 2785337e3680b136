/* The benchmarks of timers-libev.c with libuv, whose timers have a resolution of one millisecond. */
#include <uv.h>

#include "bench.h"

static int32_t calls, wanted;

static void
called (uv_timer_t *handle)
{
  if (++calls == wanted)
    uv_stop (handle->loop);
}

static uint64_t
milliseconds (double seconds)
{
  return (uint64_t)(seconds * 1e3 + .5);
}

static uv_timer_t *
timers (uv_loop_t *loop, int32_t count)
{
  uv_timer_t *all = malloc (count * sizeof *all);
  int32_t i;

  for (i = 0; i < count; ++i)
    uv_timer_init (loop, all + i);

  return all;
}

static void
shut (uv_timer_t *all, int32_t count)
{
  int32_t i;

  for (i = 0; i < count; ++i)
    uv_close ((uv_handle_t *)(all + i), 0);
}

BENCH_API double
bench_uv_timers_fire (const double *times, int32_t count, int32_t passes)
{
  uv_loop_t loop;
  uv_timer_t *all;
  int32_t i, pass;
  double time;

  calls = 0;
  wanted = 0;
  uv_loop_init (&loop);
  all = timers (&loop, count);
  time = bench_busy ();

  for (pass = 0; pass < passes; ++pass)
    {
      uv_update_time (&loop);

      for (i = 0; i < count; ++i)
        uv_timer_start (all + i, called, milliseconds (times [i]), 0);

      uv_run (&loop, UV_RUN_DEFAULT);
    }

  time = bench_busy () - time;
  shut (all, count);
  uv_run (&loop, UV_RUN_DEFAULT);
  uv_loop_close (&loop);
  free (all);
  return calls == count * passes ? time / calls : BENCH_WRONG;
}

BENCH_API double
bench_uv_timers_again (const double *times, int32_t others, int32_t count, int32_t operations)
{
  uv_loop_t loop;
  uv_timer_t *all, *mine;
  int32_t i, k;
  double time;

  calls = 0;
  wanted = 0;
  uv_loop_init (&loop);
  all = timers (&loop, others);
  mine = timers (&loop, count);

  for (i = 0; i < others; ++i)
    uv_timer_start (all + i, called, milliseconds (times [i]), 0);

  for (i = 0; i < count; ++i)
    uv_timer_start (mine + i, called, milliseconds (times [others + i]), milliseconds (times [others + i]));

  time = bench_busy ();

  for (i = 0, k = 0; i < operations; ++i)
    {
      uv_timer_again (mine + k);

      if ((k += 7919) >= count)
        k %= count;

      if (i % 1000 == 999)
        uv_update_time (&loop);
    }

  time = bench_busy () - time;
  i = uv_is_active ((uv_handle_t *)mine);
  shut (all, others);
  shut (mine, count);
  uv_run (&loop, UV_RUN_DEFAULT);
  uv_loop_close (&loop);
  free (all);
  free (mine);
  return calls == 0 && i ? time / operations : BENCH_WRONG;
}

BENCH_API double
bench_uv_timers_start (const double *times, int32_t others, int32_t count, int32_t passes)
{
  uv_loop_t loop;
  uv_timer_t *all, *mine;
  int32_t i, pass, active = 0;
  double time;

  calls = 0;
  wanted = 0;
  uv_loop_init (&loop);
  all = timers (&loop, others);
  mine = timers (&loop, count);

  for (i = 0; i < others; ++i)
    uv_timer_start (all + i, called, milliseconds (times [i]), 0);

  time = bench_busy ();

  for (pass = 0; pass < passes; ++pass)
    {
      for (i = 0; i < count; ++i)
        uv_timer_start (mine + i, called, milliseconds (times [others + i]), 0);

      active += uv_is_active ((uv_handle_t *)(mine + pass % count)) != 0;

      for (i = 0; i < count; ++i)
        uv_timer_stop (mine + i);

      active -= uv_is_active ((uv_handle_t *)(mine + pass % count)) != 0;
    }

  time = bench_busy () - time;
  shut (all, others);
  shut (mine, count);
  uv_run (&loop, UV_RUN_DEFAULT);
  uv_loop_close (&loop);
  free (all);
  free (mine);
  return active == passes ? time / passes / count : BENCH_WRONG;
}
