/* The benchmarks of churn-libev.c with libuv. */
#include <uv.h>

#include "bench.h"

static int32_t calls;
static uv_timer_t forever; /* libuv polls only while a handle is active */

static void
ready (uv_poll_t *handle, int status, int events)
{
  (void)handle, (void)status, (void)events;
  ++calls;
}

static void
never (uv_timer_t *handle)
{
  (void)handle;
}

static uv_poll_t *
watchers (uv_loop_t *loop, const int32_t *fds, int32_t count)
{
  uv_poll_t *all = malloc (count * sizeof *all);
  int32_t i;

  uv_loop_init (loop);
  uv_timer_init (loop, &forever);
  uv_timer_start (&forever, never, 3600000, 0);

  for (i = 0; i < count; ++i)
    uv_poll_init (loop, all + i, fds [i]);

  calls = 0;
  return all;
}

static void
shut (uv_loop_t *loop, uv_poll_t *all, int32_t count)
{
  int32_t i;

  for (i = 0; i < count; ++i)
    uv_close ((uv_handle_t *)(all + i), 0);

  uv_close ((uv_handle_t *)&forever, 0);
  uv_run (loop, UV_RUN_DEFAULT);
  uv_loop_close (loop);
  free (all);
}

BENCH_API double
bench_uv_churn (const int32_t *fds, int32_t count, int32_t passes)
{
  uv_loop_t loop;
  uv_poll_t *all = watchers (&loop, fds, count);
  int32_t i, pass, active = 0;
  double time = bench_busy ();

  for (pass = 0; pass < passes; ++pass)
    {
      for (i = 0; i < count; ++i)
        uv_poll_start (all + i, UV_READABLE, ready);

      active += uv_is_active ((uv_handle_t *)(all + pass % count)) != 0;

      for (i = 0; i < count; ++i)
        uv_poll_stop (all + i);

      active -= uv_is_active ((uv_handle_t *)(all + pass % count)) != 0;
    }

  time = bench_busy () - time;
  shut (&loop, all, count);
  return active == passes ? time / passes / count : BENCH_WRONG;
}

BENCH_API double
bench_uv_churn_iterations (const int32_t *fds, int32_t count, int32_t operations)
{
  uv_loop_t loop;
  uv_poll_t *all = watchers (&loop, fds, count);
  int32_t i, k, active = 0;
  double time = bench_busy ();

  for (i = 0, k = 0; i < operations; ++i)
    {
      uv_poll_start (all + k, UV_READABLE, ready);
      uv_run (&loop, UV_RUN_NOWAIT);
      active += uv_is_active ((uv_handle_t *)(all + k)) != 0;
      uv_poll_stop (all + k);
      uv_run (&loop, UV_RUN_NOWAIT);

      if (++k == count)
        k = 0;
    }

  time = bench_busy () - time;
  shut (&loop, all, count);
  return active == operations && calls == 0 ? time / operations : BENCH_WRONG;
}

BENCH_API double
bench_uv_churn_events (const int32_t *fds, int32_t count, int32_t operations)
{
  uv_loop_t loop;
  uv_poll_t *all = watchers (&loop, fds, count);
  int32_t i, k;
  double time;

  for (i = 0; i < count; ++i)
    uv_poll_start (all + i, UV_READABLE, ready);

  time = bench_busy ();

  for (i = 0, k = 0; i < operations; ++i)
    {
      uv_poll_start (all + k, i & 1 ? UV_READABLE : UV_READABLE | UV_WRITABLE, ready);
      uv_run (&loop, UV_RUN_NOWAIT);

      if (i & 1 && ++k == count)
        k = 0;
    }

  time = bench_busy () - time;
  shut (&loop, all, count);
  return calls == operations / 2 ? time / operations : BENCH_WRONG;
}
