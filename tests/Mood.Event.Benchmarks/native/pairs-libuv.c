/* The benchmark of pairs-libev.c with libuv. */
#include <uv.h>

#include "bench.h"

#include <unistd.h>

typedef struct
{
  uv_poll_t poll;
  uv_timer_t timeout;
  int from, to;
} station;

static int32_t reads, writes, wanted;
static int timeouts;

static void
late (uv_timer_t *handle)
{
  uv_stop (handle->loop);
}

static void
readable (uv_poll_t *handle, int status, int events)
{
  station *s = (station *)handle;
  char byte;

  (void)status, (void)events;

  if (timeouts)
    uv_timer_again (&s->timeout);

  if (read (s->from, &byte, 1) == 1)
    ++reads;

  if (writes < wanted)
    {
      if (write (s->to, &byte, 1) == 1)
        ++writes;
    }
  else if (reads == writes)
    uv_stop (handle->loop);
}

BENCH_API double
bench_uv_pairs (const int32_t *fds, int32_t pairs, int32_t active, int32_t events, int32_t with_timeouts)
{
  station *all = calloc (pairs, sizeof *all);
  uv_timer_t watchdog;
  uv_loop_t loop;
  double time;
  int32_t i;

  uv_loop_init (&loop);
  reads = writes = 0;
  wanted = events;
  timeouts = with_timeouts;

  for (i = 0; i < pairs; ++i)
    {
      all [i].from = fds [2 * i];
      all [i].to = fds [2 * ((i + 1) % pairs) + 1];
      uv_poll_init (&loop, &all [i].poll, all [i].from);
      uv_timer_init (&loop, &all [i].timeout);
      uv_poll_start (&all [i].poll, UV_READABLE, readable);

      if (timeouts)
        uv_timer_start (&all [i].timeout, late, 10000 + i, 10000 + i);
    }

  uv_timer_init (&loop, &watchdog);
  uv_timer_start (&watchdog, late, 10000, 0);
  uv_run (&loop, UV_RUN_NOWAIT);

  for (i = 0; i < active; ++i)
    writes += write (fds [2 * (int32_t)((int64_t)i * pairs / active) + 1], "", 1) == 1;

  time = bench_busy ();
  uv_run (&loop, UV_RUN_DEFAULT);
  time = bench_busy () - time;

  for (i = 0; i < pairs; ++i)
    {
      uv_close ((uv_handle_t *)&all [i].poll, 0);
      uv_close ((uv_handle_t *)&all [i].timeout, 0);
    }

  uv_close ((uv_handle_t *)&watchdog, 0);
  uv_run (&loop, UV_RUN_DEFAULT);
  uv_loop_close (&loop);
  free (all);
  return reads == events && writes == events ? time / events : BENCH_WRONG;
}
