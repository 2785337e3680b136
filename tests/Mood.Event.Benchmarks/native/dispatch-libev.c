/* The cost of the calls of callbacks alone, with idle watchers. */
#include "libev.h"

static int32_t calls, wanted;

static void
called (EV_P_ ev_idle *w, int revents)
{
  (void)w, (void)revents;

  if (++calls == wanted)
    ev_break (EV_A_ EVBREAK_ALL);
}

BENCH_API double
bench_ev_dispatch (int32_t watchers, int32_t callbacks)
{
  struct ev_loop *loop = ev_loop_new (EVFLAG_AUTO);
  ev_idle *idles = malloc (watchers * sizeof *idles);
  double time;
  int32_t i;

  calls = 0;
  wanted = callbacks;

  for (i = 0; i < watchers; ++i)
    {
      ev_idle_init (idles + i, called);
      ev_idle_start (loop, idles + i);
    }

  time = bench_busy ();
  ev_run (loop, 0);
  time = bench_busy () - time;

  ev_loop_destroy (loop);
  free (idles);

  /* After the break, the watchers that are still pending in the iteration are called too. */
  return calls >= wanted && calls < wanted + watchers ? time / calls : BENCH_WRONG;
}
