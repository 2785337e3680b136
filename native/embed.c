/* ev_embed. "The other loop" is the embedded one. The managed side runs it, and has checked its backend (Watchers/Embed.cs).
 *
 * libev's own callbacks run the other loop from native code and use the watcher afterwards. That is a use after free when a callback
 * of the other loop disposes the watcher. The callbacks here only report an event, and touch nothing after the report:
 *   io       the other loop has events              EV_EMBED    the watcher becomes pending, as for any event
 *            libev has stopped this io              EV_ERROR    the whole embed is stopped
 *   prepare  the other loop has changed its fds,    EV_PREPARE  the kernel must know them before this loop waits
 *            or was reset, or another thread
 *            has woken it
 *            the other loop has events that its       EV_EMBED    as for io. For example of a regular file, which is always ready,
 *            fd does not announce                                 or of a watcher that was fed outside the other loop's run
 *   fork     this loop was reset                    EV_FORK     the other loop is reset too, and must run once
 */
#include "libev.h"

#include <stddef.h>

/* clang-format off */
#define EMBED(part, member) ((ev_embed *)((char *)(part) - offsetof (ev_embed, member)))
/* clang-format on */

static mood_loop *
other_of (ev_embed *w)
{
  return (mood_loop *)ev_userdata (w->other);
}

static void
report (struct ev_loop *ev, ev_embed *w, int revents)
{
  mood_watcher_event (ev, (mood_watcher *)w, revents);
}

/* Called before this loop waits, and after the other loop has run. When the other loop renews its kernel side, this loop's
 * backend does not watch the new epoll fd, although it often has the old number. The generation counts the resets. */
void
mood_embed_renew (mood_watcher *watcher)
{
  mood_embed *w = (mood_embed *)watcher;
  mood_loop *other = other_of (&w->ev), *outer;
  int fd = mood_ev_backend_fd (w->ev.other);

  w->seen = mood_ev_changes (w->ev.other);

  /* -1: the system has refused the fd. The other loop asks again when it runs. */
  if (other->generation == w->generation || fd < 0)
    return;

  outer = mood_enter (w->ev.owner);
  w->generation = other->generation;
  ev_io_stop (w->ev.owner->ev, &w->ev.io);
  ev_io_set (&w->ev.io, fd, EV_READ);
  ev_io_start (w->ev.owner->ev, &w->ev.io);
  mood_leave (outer);
}

static void
io_cb (struct ev_loop *ev, ev_io *io, int revents)
{
  ev_embed *w = EMBED (io, io);

  if (!(revents & EV_ERROR))
    {
      ev_feed_event (ev, w, EV_EMBED);
      return;
    }

  mood_watcher_stop ((mood_watcher *)w);
  report (ev, w, EV_EMBED | EV_ERROR);
}

static void
prepare_cb (struct ev_loop *ev, ev_prepare *prepare, int revents)
{
  ev_embed *w = EMBED (prepare, prepare);
  mood_embed_renew ((mood_watcher *)w);

  if (((mood_embed *)w)->seen)
    report (ev, w, revents);
  else if (mood_ev_has_events (w->other))
    ev_feed_event (ev, w, EV_EMBED);
}

/* If no eventfd can be made for the other loop, this Start fails before this loop itself is reset. The next Start tries again. */
static void
fork_cb (struct ev_loop *ev, ev_fork *fork, int revents)
{
  ev_embed *w = EMBED (fork, fork);
  int error = mood_loop_reset (other_of (w));

  if (error < 0)
    mood_error_record (w->owner, -error, "An embedded loop cannot be reset");
  else
    report (ev, w, revents);
}

void
mood_embed_set (mood_watcher *w, mood_loop *other)
{
  ev_embed_set ((ev_embed *)w, other->ev);
}

/* Returns 0, or a negated errno if the kernel refuses to watch the other loop. */
int
mood_embed_start (ev_embed *w)
{
  int error;

  ((mood_embed *)w)->generation = other_of (w)->generation;
  ((mood_embed *)w)->seen = ((mood_embed *)w)->error = 0;
  w->io.kind = MOOD_EMBED; /* so that refuse (libev/accessors.c) reports a permanent error of this io to the embed */
  ev_embed_start (w->owner->ev, w);
  ev_set_cb (&w->io, io_cb);
  ev_set_cb (&w->prepare, prepare_cb);
  ev_set_cb (&w->fork, fork_cb);

  if ((error = mood_ev_register (w->owner->ev, &w->io)))
    ev_embed_stop (w->owner->ev, w);

  other_of (w)->embedded = !error;
  mood_child_embed (other_of (w));
  return -error;
}

void
mood_embed_stop (struct ev_loop *ev, ev_embed *w)
{
  int watched = ev_is_active (&w->io) && other_of (w)->generation == ((mood_embed *)w)->generation;

  if (ev_is_active (w))
    other_of (w)->embedded = 0;

  ev_embed_stop (ev, w);

  if (watched)
    mood_ev_unregister (ev, other_of (w), w->io.fd);
}
