/* Making and closing loops. */
#include <uv.h>

#include "bench.h"

BENCH_API double
bench_uv_loop (int32_t operations)
{
  int32_t i, made = 0;
  double time = bench_busy ();

  for (i = 0; i < operations; ++i)
    {
      uv_loop_t loop;

      made += !uv_loop_init (&loop) && !uv_loop_close (&loop);
    }

  time = bench_busy () - time;
  return made == operations ? time / operations : BENCH_WRONG;
}
