/* The cost of the calls of callbacks alone, with idle handles. */
#include <uv.h>

#include "bench.h"

static int32_t calls, wanted;

static void
called (uv_idle_t *handle)
{
  if (++calls == wanted)
    uv_stop (handle->loop);
}

BENCH_API double
bench_uv_dispatch (int32_t watchers, int32_t callbacks)
{
  uv_loop_t loop;
  uv_idle_t *idles = malloc (watchers * sizeof *idles);
  double time;
  int32_t i;

  calls = 0;
  wanted = callbacks;
  uv_loop_init (&loop);

  for (i = 0; i < watchers; ++i)
    {
      uv_idle_init (&loop, idles + i);
      uv_idle_start (idles + i, called);
    }

  time = bench_busy ();
  uv_run (&loop, UV_RUN_DEFAULT);
  time = bench_busy () - time;

  for (i = 0; i < watchers; ++i)
    uv_close ((uv_handle_t *)(idles + i), 0);

  uv_run (&loop, UV_RUN_DEFAULT);
  uv_loop_close (&loop);
  free (idles);

  return calls >= wanted && calls < wanted + watchers ? time / calls : BENCH_WRONG;
}
