/* ev_async, and the loop's own async: how another thread wakes a loop. */
#include "libev.h"

static void
send (mood_loop *l, ev_async *w)
{
  /* After the close, a sender returns here and is not counted in `senders`. So close_gate (loop.c) waits only for those that came before. */
  if (!__atomic_load_n (&l->open, __ATOMIC_SEQ_CST))
    return;

  __atomic_add_fetch (&l->senders, 1, __ATOMIC_SEQ_CST);

  if (__atomic_load_n (&l->open, __ATOMIC_SEQ_CST))
    ev_async_send (l->ev, w);

  __atomic_sub_fetch (&l->senders, 1, __ATOMIC_SEQ_CST);
}

void
mood_loop_wake (mood_loop *l)
{
  send (l, &l->wake);
}

void
mood_async_send (mood_watcher *w)
{
  /* While `sent` is set, the loop has not yet begun to handle the previous send, and this one needs no wake. The sender
   * publishes its data before it reads `sent`. The loop clears `sent` before it reads the data. Both sides have a full fence
   * in between, so either the sender sees `sent` cleared or the loop sees the data. The loop's fence is in the walk of
   * mood_queue. */
  __atomic_thread_fence (__ATOMIC_SEQ_CST);

  if (!((ev_async *)w)->sent)
    send (w->owner, (ev_async *)w);
}

int32_t
mood_async_sent (mood_watcher *w)
{
  return ev_is_active (w) && ev_async_pending ((ev_async *)w);
}
