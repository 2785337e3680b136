/* ev_embed with its internals answered by the managed side.
 *
 * libev's own callbacks run the other loop from native code and go on using the watcher afterwards, which is a use after
 * free when a callback in there disposes it. Here they only report, and touch nothing after the report:
 *   io       the other loop has events           EV_EMBED   (libev's own callback: it feeds the watcher)
 *   prepare  the other loop has changed its fds  EV_PREPARE (or the kernel would not know them while we block)
 *            or another thread has woken it
 *   fork     this loop was reset                 EV_FORK    (the other one is marked too, and must run once)
 */
#include "libev.h"

#include <stddef.h>

#define EMBED(part, member) ((ev_embed *)((char *)(part) - offsetof (ev_embed, member)))

static void
report (struct ev_loop *ev, ev_embed *w, int revents)
{
  mood_watcher_event (ev, (mood_watcher *)w, revents);
}

/* The other loop may have made its kernel side anew, mostly with the same number: then nobody watches it any more. */
void
mood_embed_renew (mood_watcher *watcher)
{
  mood_embed *w = (mood_embed *)watcher;
  mood_loop *other = (mood_loop *)ev_userdata (w->ev.other);

  if (other->generation == w->generation)
    return;

  w->generation = other->generation;
  ev_io_stop (w->ev.owner->ev, &w->ev.io);
  ev_io_set (&w->ev.io, mood_ev_backend_fd (w->ev.other), EV_READ);
  ev_io_start (w->ev.owner->ev, &w->ev.io);
}

static void
prepare_cb (struct ev_loop *ev, ev_prepare *prepare, int revents)
{
  ev_embed *w = EMBED (prepare, prepare);
  mood_embed_renew ((mood_watcher *)w);

  if (mood_ev_changes (w->other))
    report (ev, w, revents);
}

static void
fork_cb (struct ev_loop *ev, ev_fork *fork, int revents)
{
  ev_embed *w = EMBED (fork, fork);

  mood_reset ((mood_loop *)ev_userdata (w->other));
  report (ev, w, revents);
}

void
mood_embed_set (mood_watcher *w, mood_loop *other)
{
  ev_embed_set ((ev_embed *)w, other->ev);
}

void
mood_embed_start (ev_embed *w)
{
  ((mood_embed *)w)->generation = ((mood_loop *)ev_userdata (w->other))->generation;
  ev_embed_start (w->owner->ev, w);
  ev_set_cb (&w->prepare, prepare_cb);
  ev_set_cb (&w->fork, fork_cb);
}
