/* libev's socketpair benchmark. The pairs of sockets form a ring, and some bytes travel in it. Each readable socket reads its
 * byte and writes one to the next pair, until enough bytes were written. There may be other sockets that are never readable. */
#include "libev.h"

#include <unistd.h>

typedef struct
{
  ev_io io;
  ev_timer timeout;
  int from, to;
} station;

static int32_t reads, writes, wanted;
static int timeouts;

static void
late (EV_P_ ev_timer *w, int revents)
{
  (void)w, (void)revents;
  ev_break (EV_A_ EVBREAK_ALL); /* after this, the check of the counts fails */
}

static void
readable (EV_P_ ev_io *w, int revents)
{
  station *s = (station *)w;
  char byte;

  (void)revents;

  if (timeouts)
    ev_timer_again (EV_A, &s->timeout);

  if (read (s->from, &byte, 1) == 1)
    ++reads;

  if (writes < wanted)
    {
      if (write (s->to, &byte, 1) == 1)
        ++writes;
    }
  else if (reads == writes)
    ev_break (EV_A_ EVBREAK_ALL);
}

static void
never (EV_P_ ev_io *w, int revents)
{
  (void)loop, (void)w, (void)revents;
}

/* `fds` has both ends of each pair. Returns ns per event, and stores the number of bytes allocated per idle watcher. */
BENCH_API double
bench_ev_pairs (const int32_t *fds, int32_t pairs, int32_t active, int32_t events, int32_t with_timeouts, uint32_t backend,
                const int32_t *idle, int32_t idles, double *bytes)
{
  struct ev_loop *loop = ev_loop_new (backend);
  station *all = calloc (pairs, sizeof *all);
  int64_t before = bench_malloced ();
  ev_io *others = malloc (idles * sizeof *others);
  ev_timer watchdog;
  double time;
  int32_t i;
  int fell_back;

  if (!loop || (backend && ev_backend (loop) != backend))
    {
      if (loop)
        ev_loop_destroy (loop);

      free (all);
      free (others);
      return BENCH_UNAVAILABLE;
    }

  reads = writes = 0;
  wanted = events;
  timeouts = with_timeouts;

  for (i = 0; i < idles; ++i)
    {
      ev_io_init (others + i, never, idle [i], EV_READ);
      ev_io_start (loop, others + i);
    }

  ev_run (loop, EVRUN_NOWAIT);
  *bytes = idles ? (double)(bench_malloced () - before) / idles : 0.;

  for (i = 0; i < pairs; ++i)
    {
      all [i].from = fds [2 * i];
      all [i].to = fds [2 * ((i + 1) % pairs) + 1];
      ev_io_init (&all [i].io, readable, all [i].from, EV_READ);
      ev_io_start (loop, &all [i].io);

      if (timeouts)
        {
          ev_timer_init (&all [i].timeout, late, 0., 10. + i * 1e-3);
          ev_timer_again (loop, &all [i].timeout);
        }
    }

  ev_timer_init (&watchdog, late, 10., 0.);
  ev_timer_start (loop, &watchdog);
  ev_run (loop, EVRUN_NOWAIT);

  for (i = 0; i < active; ++i)
    writes += write (fds [2 * (int32_t)((int64_t)i * pairs / active) + 1], "", 1) == 1;

  time = bench_busy ();
  ev_run (loop, 0);
  time = bench_busy () - time;

  /* libev replaces linuxaio by epoll if the kernel's limits are too low. */
  fell_back = backend && ev_backend (loop) != backend;
  ev_loop_destroy (loop);
  free (all);
  free (others);
  return fell_back ? BENCH_UNAVAILABLE : reads == events && writes == events ? time / events : BENCH_WRONG;
}
