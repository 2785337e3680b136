/* Two threads, each with a loop, wake each other in turn. Other functions measure the cost of a send. */
#include "libev.h"

#include <pthread.h>

typedef struct side
{
  struct ev_loop *loop;
  ev_async async;
  struct side *other;
  int32_t calls, wanted;
  int answers_last; /* whether this side answers the last wake too, because the other side sent the first one */
  int32_t core;     /* the core of the side's thread, unless that is the calling thread */
} side;

static void
hop (EV_P_ ev_async *w, int revents)
{
  side *s = w->data;

  (void)revents;

  if (++s->calls < s->wanted || s->answers_last)
    ev_async_send (s->other->loop, &s->other->async);

  if (s->calls == s->wanted)
    ev_break (EV_A_ EVBREAK_ALL);
}

static void *
run (void *data)
{
  side *s = data;

  bench_pin (s->core);
  ev_run (s->loop, 0);
  return 0;
}

static void
make (side *s, side *other, void (*call) (EV_P_ ev_async *w, int revents))
{
  s->loop = ev_loop_new (EVFLAG_AUTO);
  s->other = other;
  ev_async_init (&s->async, call);
  s->async.data = s;
  ev_async_start (s->loop, &s->async);
}

/* Returns the nanoseconds from a send on one thread to the callback on the other thread, which runs on `core`. This is half of a
 * round trip. If both threads are on one core, processor time is measured, because they always keep the core busy. */
BENCH_API double
bench_ev_wake (int32_t hops, int32_t core, int32_t same)
{
  side here = { .wanted = hops / 2 }, there = { .wanted = hops / 2, .answers_last = 1, .core = core };
  clockid_t clock = same ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
  pthread_t thread;
  double time;

  make (&here, &there, hop);
  make (&there, &here, hop);

  if (pthread_create (&thread, 0, run, &there))
    return BENCH_UNAVAILABLE;

  time = bench_clock (clock);
  ev_async_send (there.loop, &there.async);
  ev_run (here.loop, 0);
  time = bench_clock (clock) - time;

  pthread_join (thread, 0);
  ev_loop_destroy (here.loop);
  ev_loop_destroy (there.loop);
  return here.calls == here.wanted && there.calls == there.wanted ? time / hops : BENCH_WRONG;
}

/* -- sends without an answer --------------------------------------------------------------------------------------- */

static int32_t published;

static void
look (EV_P_ ev_async *w, int revents)
{
  side *s = w->data;

  (void)revents;
  ++s->calls;

  if (__atomic_load_n (&published, __ATOMIC_ACQUIRE) == s->wanted)
    ev_break (EV_A_ EVBREAK_ALL);
}

/* One thread sends as fast as it can to a loop that runs on another core. The loop must see the last send. Returns nanoseconds
 * per send. */
BENCH_API double
bench_ev_send (int32_t sends, int32_t core)
{
  side there = { .wanted = sends, .core = core };
  pthread_t thread;
  double time;
  int32_t i;

  published = 0;
  make (&there, 0, look);

  if (pthread_create (&thread, 0, run, &there))
    return BENCH_UNAVAILABLE;

  time = bench_now ();

  for (i = 1; i <= sends; ++i)
    {
      __atomic_store_n (&published, i, __ATOMIC_RELEASE);
      ev_async_send (there.loop, &there.async);
    }

  time = bench_now () - time;
  pthread_join (thread, 0);
  ev_loop_destroy (there.loop);
  return there.calls > 0 && there.calls <= sends ? time / sends : BENCH_WRONG;
}

/* One thread sends while an earlier send is pending. The loop runs afterwards, and calls the callback once. Returns nanoseconds
 * per send. */
BENCH_API double
bench_ev_send_again (int32_t sends)
{
  side here = { .wanted = sends };
  double time;
  int32_t i;

  published = sends;
  make (&here, 0, look);
  ev_async_send (here.loop, &here.async);
  time = bench_now ();

  for (i = 0; i < sends; ++i)
    ev_async_send (here.loop, &here.async);

  time = bench_now () - time;
  ev_run (here.loop, 0);
  ev_loop_destroy (here.loop);
  return here.calls == 1 ? time / sends : BENCH_WRONG;
}
