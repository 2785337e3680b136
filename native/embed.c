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
  mood_host.event (ev, (mood_watcher *)w, revents);
}

static void
prepare_cb (struct ev_loop *ev, ev_prepare *prepare, int revents)
{
  ev_embed *w = EMBED (prepare, prepare);
  int fd = mood_ev_backend_fd (w->other);

  /* the other loop may have made its kernel side anew */
  if (fd != w->io.fd)
    {
      ev_io_stop (ev, &w->io);
      ev_io_set (&w->io, fd, EV_READ);
      ev_io_start (ev, &w->io);
    }

  if (mood_ev_changes (w->other))
    report (ev, w, revents);
}

static void
fork_cb (struct ev_loop *ev, ev_fork *fork, int revents)
{
  ev_embed *w = EMBED (fork, fork);

  ev_loop_fork (w->other);
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
  ev_embed_start (w->owner->ev, w);
  ev_set_cb (&w->prepare, prepare_cb);
  ev_set_cb (&w->fork, fork_cb);
}
