/* Loops that are made and destroyed. */
#include "libev.h"

BENCH_API double
bench_ev_loop (int32_t operations)
{
  int32_t i, made = 0;
  double time = bench_busy ();

  for (i = 0; i < operations; ++i)
    {
      struct ev_loop *loop = ev_loop_new (EVFLAG_AUTO);

      made += loop != 0;
      ev_loop_destroy (loop);
    }

  time = bench_busy () - time;
  return made == operations ? time / operations : BENCH_WRONG;
}
