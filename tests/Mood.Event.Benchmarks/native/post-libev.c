/* Posts work to a loop from other threads, as a C program does it: with a queue under a mutex and an ev_async. */
#include "libev.h"

#include <pthread.h>

typedef struct
{
  void (*call) (void *arg);
  void *arg;
} item;

typedef struct
{
  item *items;
  int32_t count, capacity;
} batch;

typedef struct
{
  struct ev_loop *loop;
  ev_async async;
  pthread_mutex_t mutex;
  pthread_barrier_t begin;
  batch incoming, spare;
  int32_t items; /* the number of items of each producer */
  int64_t calls, wanted;
  int failed;
} door;

static int
append (batch *b, item i)
{
  if (b->count == b->capacity)
    {
      int32_t capacity = b->capacity ? b->capacity * 2 : 16;
      item *items = realloc (b->items, capacity * sizeof *items);

      if (!items)
        return 0;

      b->items = items;
      b->capacity = capacity;
    }

  b->items [b->count++] = i;
  return 1;
}

static void
post (door *d, void (*call) (void *arg), void *arg)
{
  int first, done;

  pthread_mutex_lock (&d->mutex);
  first = !d->incoming.count;
  done = append (&d->incoming, (item){ call, arg });
  pthread_mutex_unlock (&d->mutex);

  if (!done)
    __atomic_store_n (&d->failed, 1, __ATOMIC_RELAXED);
  else if (first)
    ev_async_send (d->loop, &d->async);
}

static void
drain (EV_P_ ev_async *w, int revents)
{
  door *d = w->data;
  batch taken;
  int32_t i;

  (void)revents;
  pthread_mutex_lock (&d->mutex);
  taken = d->incoming;
  d->incoming = d->spare;
  d->incoming.count = 0;
  pthread_mutex_unlock (&d->mutex);

  for (i = 0; i < taken.count; ++i)
    taken.items [i].call (taken.items [i].arg);

  d->spare = taken;

  if (d->calls == d->wanted || __atomic_load_n (&d->failed, __ATOMIC_RELAXED))
    ev_break (EV_A_ EVBREAK_ALL);
}

static void
count (void *arg)
{
  ++((door *)arg)->calls;
}

static void *
produce (void *data)
{
  door *d = data;
  int32_t i;

  pthread_barrier_wait (&d->begin);

  for (i = 0; i < d->items; ++i)
    post (d, count, d);

  return 0;
}

static void
make (door *d)
{
  d->loop = ev_loop_new (EVFLAG_AUTO);
  pthread_mutex_init (&d->mutex, 0);
  ev_async_init (&d->async, drain);
  d->async.data = d;
  ev_async_start (d->loop, &d->async);
}

static double
end (door *d, double time, int64_t items)
{
  ev_loop_destroy (d->loop);
  pthread_mutex_destroy (&d->mutex);
  free (d->incoming.items);
  free (d->spare.items);
  return d->calls == d->wanted && !d->failed ? time / items : BENCH_WRONG;
}

/* Several threads post at the same time. Returns the nanoseconds per item until the last item was called. */
BENCH_API double
bench_ev_post (int32_t producers, int32_t items)
{
  door d = { .items = items, .wanted = (int64_t)producers * items };
  pthread_t threads [64];
  int32_t i;
  double time;

  if (producers > 64)
    return BENCH_UNAVAILABLE;

  make (&d);
  pthread_barrier_init (&d.begin, 0, producers + 1);

  for (i = 0; i < producers; ++i)
    if (pthread_create (&threads [i], 0, produce, &d))
      abort (); /* otherwise the other threads would wait at the barrier for ever */

  pthread_barrier_wait (&d.begin);
  time = bench_now ();
  ev_run (d.loop, 0);
  time = bench_now () - time;

  for (i = 0; i < producers; ++i)
    pthread_join (threads [i], 0);

  pthread_barrier_destroy (&d.begin);
  return end (&d, time, d.wanted);
}

/* One thread posts a few items and then runs the loop, repeatedly. Returns nanoseconds per item. */
BENCH_API double
bench_ev_post_alone (int32_t rounds, int32_t burst)
{
  door d = { .wanted = burst };
  double time;
  int32_t i, k;

  make (&d);
  time = bench_busy ();

  for (i = 0; i < rounds; ++i, d.wanted += burst)
    {
      for (k = 0; k < burst; ++k)
        post (&d, count, &d);

      ev_run (d.loop, EVRUN_ONCE);
    }

  time = bench_busy () - time;
  d.wanted -= burst;
  return end (&d, time, d.wanted);
}
