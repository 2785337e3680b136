/* Part of libev.c: pending events. */

/* The host reads these structures in place, as mood_event.h declares them. */
_Static_assert(sizeof (mood_pending) == sizeof (ANPENDING) && offsetof (mood_pending, revents) == offsetof (ANPENDING, events),
               "ANPENDING");
_Static_assert(MOOD_PRIORITIES == NUMPRI, "NUMPRI");
/* clang-format off */
#define SAME(field) _Static_assert (offsetof (mood_watcher_head, field) == offsetof (ev_watcher, field) \
                                    && sizeof (((mood_watcher_head *)0)->field) == sizeof (((ev_watcher *)0)->field), #field)
/* clang-format on */
SAME (active);
SAME (pending);
SAME (priority);
SAME (kind);
SAME (background);
SAME (plain);
SAME (id);

void
mood_ev_queue (struct ev_loop *loop, mood_queue *queue)
{
  queue->slots = (mood_pending **)loop->pendings;
  queue->counts = loop->pendingcnt;
  queue->priority = &loop->pendingpri;
}

/* The length of the queue. The slots of cleared events count too. */
int
mood_ev_queued (struct ev_loop *loop)
{
  int pri, count = 0;

  for (pri = NUMPRI; pri--;)
    count += loop->pendingcnt [pri];

  return count;
}

/* Whether there are pending events, also of libev's own watchers, that the host has not left to a later walk (mood_queue). Events that it has
 * left are no reason to run the loop again: libev waits too while such events are pending. If an event is cleared after others were left, the
 * result may be 1 although nothing is new, until the next walk. */
int
mood_ev_has_new (struct ev_loop *loop)
{
  int pri, i;

  if (mood_ev_queued (loop) > ((mood_loop *)loop->userdata)->queue.left)
    for (pri = NUMPRI; pri--;)
      for (i = loop->pendingcnt [pri]; i--;)
        if (loop->pendings [pri][i].w != (W)&loop->pending_w)
          return 1;

  return 0;
}

/* Corrects the references of the pending watchers, because the walk of the pending events is deferred. The io of a pidfd (known.c) has no
 * owner. */
void
mood_ev_settle_pending (struct ev_loop *loop)
{
  int pri, i;

  for (pri = NUMPRI; pri--;)
    for (i = loop->pendingcnt [pri]; i--;)
      {
        W w = loop->pendings [pri][i].w;

        if (w->owner)
          mood_watcher_settle (w);
        else if (w->kind == MOOD_CHILD)
          mood_child_settle (w);
      }
}

/* libev does not remove a cleared event from its queue. It puts pending_w into the slot, which the next walk skips. Outside a
 * run there is no walk, and the queue would grow with each event that is fed and cleared. So the empty slots are removed
 * when they may be half of the queue: the cost is constant per cleared event, and the other events keep their order. A
 * callback in a walk may call this: the walk reads the counts again after each callback. */
void
mood_ev_drop_cleared (struct ev_loop *loop)
{
  mood_loop *l = (mood_loop *)loop->userdata;
  int pri, i, kept;

  if (++l->cleared < 32 || l->cleared * 2 < mood_ev_queued (loop))
    return;

  l->cleared = 0;
  l->queue.left = 0; /* Some of the slots that the host has left are removed now. The next walk counts again. */

  for (pri = NUMPRI; pri--;)
    {
      ANPENDING *slots = loop->pendings [pri];

      for (i = kept = 0; i < loop->pendingcnt [pri]; ++i)
        if (slots [i].w != (W)&loop->pending_w)
          {
            slots [kept++] = slots [i];
            slots [i].w->pending = kept;
          }

      loop->pendingcnt [pri] = kept;
    }
}

/* ev_pending_count counts libev's own watchers and the slots of cleared events too. */
int
mood_ev_pending (struct ev_loop *loop)
{
  int pri, i, count = 0;

  for (pri = NUMPRI; pri--;)
    for (i = loop->pendingcnt [pri]; i--;)
      count += loop->pendings [pri][i].w->owner != 0;

  return count;
}
