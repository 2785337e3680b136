/* The parts that all watchers share: memory, start and stop by kind, pending events, priority, and the references that keep the
 * loop alive. */
#include "libev.h"

#include <stdlib.h>

typedef void (*ev_call) (struct ev_loop *, mood_watcher *);

#define CALL(function) ((ev_call)(void (*) (void))function)

/* clang-format off */
static const struct
{
  size_t size;
  ev_call start, stop;
} kinds [MOOD_KINDS] = {
  [MOOD_IO]        = { sizeof (mood_io),     CALL (ev_io_start),       CALL (ev_io_stop)       },
  [MOOD_TIMER]     = { sizeof (ev_timer),    CALL (ev_timer_start),    CALL (ev_timer_stop)    },
  [MOOD_PERIODIC]  = { sizeof (ev_periodic), CALL (ev_periodic_start), CALL (ev_periodic_stop) },
  [MOOD_SCHEDULER] = { sizeof (ev_periodic), CALL (ev_periodic_start), CALL (ev_periodic_stop) },
  [MOOD_SIGNAL]    = { sizeof (ev_signal),   0,                        0                       },
  [MOOD_CHILD]     = { sizeof (mood_child),  0,                        0                       },
  [MOOD_STAT]      = { sizeof (ev_stat),     CALL (ev_stat_start),     CALL (ev_stat_stop)     },
  [MOOD_IDLE]      = { sizeof (ev_idle),     CALL (ev_idle_start),     CALL (ev_idle_stop)     },
  [MOOD_PREPARE]   = { sizeof (ev_prepare),  CALL (ev_prepare_start),  CALL (ev_prepare_stop)  },
  [MOOD_CHECK]     = { sizeof (ev_check),    CALL (ev_check_start),    CALL (ev_check_stop)    },
  [MOOD_EMBED]     = { sizeof (mood_embed),  0,                        CALL (mood_embed_stop)  },
  [MOOD_FORK]      = { sizeof (ev_fork),     CALL (ev_fork_start),     CALL (ev_fork_stop)     },
  [MOOD_ASYNC]     = { sizeof (ev_async),    CALL (ev_async_start),    CALL (ev_async_stop)    },
};
/* clang-format on */

/* libev computes with a scheduler's next time, so "never" is a finite number. A scheduler that is never due does not keep the loop alive,
 * whatever KeepAlive says. When ev_periodic_start calls this, the watcher is not active yet; mood_watcher_start settles it afterwards. */
static double
reschedule (ev_periodic *w, double now) EV_NOEXCEPT
{
  double at = w->owner->host.reschedule (w->owner->data, (mood_watcher *)w, now);

  if (at < MOOD_NEVER)
    w->background &= ~MOOD_NEVER_DUE;
  else
    {
      w->background |= MOOD_NEVER_DUE;
      at = MOOD_NEVER;
    }

  mood_watcher_settle ((mood_watcher *)w);

  /* The host has fed the scheduler because its function has failed. The loop may be about to wait. */
  if (w->pending && ev_depth (w->owner->ev))
    mood_ev_do_not_wait (w->owner->ev);

  return at;
}

/* The native callback of the host's watchers. The walk of the queue does not call it; libev and embed.c do. */
void
mood_watcher_event (struct ev_loop *ev, mood_watcher *w, int revents)
{
  (void)ev;
  w->owner->host.event (w->owner->data, w, revents);
}

mood_watcher *
mood_watcher_new (mood_loop *l, int32_t kind, int32_t id)
{
  mood_watcher *w = calloc (1, kinds [kind].size);

  if (!w)
    return 0;

  ev_set_cb (w, mood_watcher_event);
  w->id = id;
  w->kind = (int8_t)kind;
  w->plain = 1;
  w->owner = l;
  __atomic_add_fetch (&l->references, 1, __ATOMIC_RELAXED);
  mood_count (MOOD_WATCHERS, 1);

  if (kind == MOOD_SCHEDULER)
    ((ev_periodic *)w)->reschedule_cb = reschedule;
  else if (kind == MOOD_CHILD)
    mood_child_init ((ev_child *)w);

  return w;
}

void
mood_watcher_free (mood_watcher *w)
{
  mood_loop *l = w->owner;

  if (w->kind == MOOD_STAT)
    mood_stat_free ((ev_stat *)w);
  else if (w->kind == MOOD_CHILD)
    mood_child_free ((ev_child *)w);

  free (w);
  mood_count (MOOD_WATCHERS, -1);
  mood_loop_release (l);
}

/* An active watcher in the background gives up the references that it holds on its loop. libev also stops
 * watchers by itself (one-shot timers, closed fds), so this is called wherever `active` may have changed. */
void
mood_watcher_settle (mood_watcher *w)
{
  int plain = !w->background || !w->active;
  int references = w->kind == MOOD_EMBED ? 4 : 1; /* embed: io, prepare, fork and itself */

  if (plain == w->plain)
    return;

  w->plain = (int8_t)plain;

  while (references--)
    if (plain)
      ev_ref (w->owner->ev);
    else
      ev_unref (w->owner->ev);
}

int32_t
mood_watcher_start (mood_watcher *w)
{
  mood_loop *l = w->owner, *outer = mood_enter (l);
  int error = 0;

  /* EV__IOFDSET makes libev tell the kernel even when the events are unchanged: the number may belong to a new file now. */
  if (w->kind == MOOD_IO)
    {
      ((ev_io *)w)->events |= EV__IOFDSET;
      ((mood_io *)w)->error = 0;
    }

  if (w->kind == MOOD_SIGNAL)
    error = mood_signal_start ((ev_signal *)w);
  else if (w->kind == MOOD_CHILD)
    error = mood_child_start ((ev_child *)w);
  else if (w->kind == MOOD_EMBED)
    error = mood_embed_start ((ev_embed *)w);
  else
    {
      mood_ev_open (l->ev, w->kind);
      kinds [w->kind].start (l->ev, w);
    }

  mood_watcher_settle (w);
  mood_leave (outer);
  return error;
}

void
mood_watcher_stop (mood_watcher *w)
{
  mood_loop *l = w->owner, *outer = mood_enter (l);
  int pending = w->pending;

  /* The references come first: libev's stop gives one up, and activecnt must not reach 0 in between. */
  if (!w->plain)
    {
      int8_t background = w->background;
      w->background = 0;
      mood_watcher_settle (w);
      w->background = background;
    }

  if (w->kind == MOOD_SIGNAL)
    mood_signal_stop ((ev_signal *)w);
  else if (w->kind == MOOD_CHILD)
    mood_child_stop ((ev_child *)w);
  else
    kinds [w->kind].stop (l->ev, w);

  if (pending)
    mood_ev_drop_cleared (l->ev);

  mood_leave (outer);
}

void
mood_watcher_feed (mood_watcher *w, int32_t revents)
{
  mood_loop *outer = mood_enter (w->owner);

  ev_feed_event (w->owner->ev, w, revents);
  mood_leave (outer);
}

int32_t
mood_watcher_clear (mood_watcher *w)
{
  int pending = w->pending, revents = ev_clear_pending (w->owner->ev, w);

  if (pending)
    mood_ev_drop_cleared (w->owner->ev);

  mood_watcher_settle (w);
  return revents;
}

int32_t
mood_watcher_error (mood_watcher *w)
{
  return w->kind == MOOD_EMBED ? ((mood_embed *)w)->error : ((mood_io *)w)->error;
}

void
mood_watcher_priority (mood_watcher *w, int32_t priority)
{
  ev_set_priority (w, priority);
}

void
mood_watcher_keepalive (mood_watcher *w, int32_t on)
{
  if (on)
    w->background &= ~MOOD_NO_KEEPALIVE;
  else
    w->background |= MOOD_NO_KEEPALIVE;

  if (w->owner->ev)
    mood_watcher_settle (w);
}

void
mood_watcher_call (mood_loop *l, mood_watcher *w, int32_t revents)
{
  mood_loop *outer = mood_enter (l);

  w->cb (l->ev, w, revents);
  mood_leave (outer);
}
