/* Two threads, each with a loop, wake each other in turn. Other functions measure the cost of a send. */
#include <uv.h>

#include "bench.h"

typedef struct side
{
  uv_loop_t loop;
  uv_async_t async;
  struct side *other;
  int32_t calls, wanted;
  int answers_last; /* whether this side answers the last wake too, because the other side sent the first one */
  int32_t core;     /* the core of the side's thread, unless that is the calling thread */
} side;

static void
hop (uv_async_t *async)
{
  side *s = async->data;

  if (++s->calls < s->wanted || s->answers_last)
    uv_async_send (&s->other->async);

  if (s->calls == s->wanted)
    uv_stop (&s->loop);
}

static void
run (void *data)
{
  side *s = data;

  bench_pin (s->core);
  uv_run (&s->loop, UV_RUN_DEFAULT);
}

static void
make (side *s, side *other, uv_async_cb call)
{
  uv_loop_init (&s->loop);
  s->other = other;
  uv_async_init (&s->loop, &s->async, call);
  s->async.data = s;
}

static void
end (side *s)
{
  uv_close ((uv_handle_t *)&s->async, 0);
  uv_run (&s->loop, UV_RUN_DEFAULT);
  uv_loop_close (&s->loop);
}

/* Returns the nanoseconds from a send on one thread to the callback on the other thread, which runs on `core`. This is half of a
 * round trip. If both threads are on one core, processor time is measured, because they always keep the core busy. */
BENCH_API double
bench_uv_wake (int32_t hops, int32_t core, int32_t same)
{
  side here = { .wanted = hops / 2 }, there = { .wanted = hops / 2, .answers_last = 1, .core = core };
  clockid_t clock = same ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
  uv_thread_t thread;
  double time;

  make (&here, &there, hop);
  make (&there, &here, hop);

  if (uv_thread_create (&thread, run, &there))
    return BENCH_UNAVAILABLE;

  time = bench_clock (clock);
  uv_async_send (&there.async);
  uv_run (&here.loop, UV_RUN_DEFAULT);
  time = bench_clock (clock) - time;

  uv_thread_join (&thread);
  end (&here);
  end (&there);
  return here.calls == here.wanted && there.calls == there.wanted ? time / hops : BENCH_WRONG;
}

/* -- sends without an answer --------------------------------------------------------------------------------------- */

static int32_t published;

static void
look (uv_async_t *async)
{
  side *s = async->data;

  ++s->calls;

  if (__atomic_load_n (&published, __ATOMIC_ACQUIRE) == s->wanted)
    uv_stop (&s->loop);
}

/* One thread sends as fast as it can to a loop that runs on another core. The loop must see the last send. Returns nanoseconds
 * per send. */
BENCH_API double
bench_uv_send (int32_t sends, int32_t core)
{
  side there = { .wanted = sends, .core = core };
  uv_thread_t thread;
  double time;
  int32_t i;

  published = 0;
  make (&there, 0, look);

  if (uv_thread_create (&thread, run, &there))
    return BENCH_UNAVAILABLE;

  time = bench_now ();

  for (i = 1; i <= sends; ++i)
    {
      __atomic_store_n (&published, i, __ATOMIC_RELEASE);
      uv_async_send (&there.async);
    }

  time = bench_now () - time;
  uv_thread_join (&thread);
  end (&there);
  return there.calls > 0 && there.calls <= sends ? time / sends : BENCH_WRONG;
}

/* One thread sends while an earlier send is pending. The loop runs afterwards, and calls the callback once. Returns nanoseconds
 * per send. */
BENCH_API double
bench_uv_send_again (int32_t sends)
{
  side here = { .wanted = sends };
  double time;
  int32_t i;

  published = sends;
  make (&here, 0, look);
  uv_async_send (&here.async);
  time = bench_now ();

  for (i = 0; i < sends; ++i)
    uv_async_send (&here.async);

  time = bench_now () - time;
  uv_run (&here.loop, UV_RUN_DEFAULT);
  end (&here);
  return here.calls == 1 ? time / sends : BENCH_WRONG;
}
