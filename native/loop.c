/* The loop: made, run, woken from other threads, closed. */
#include "libev.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>
#if __linux__
# include <sys/eventfd.h>
#endif

int mood_signals;
__thread mood_loop *mood_current;

static int live_loops;
extern int mood_live_watchers;

int32_t
mood_abi_version (void)
{
  return MOOD_ABI_VERSION;
}

/* the managed side that it is built with: two of them may be in one process, and find one library */
const char *
mood_version (void)
{
  return MOOD_VERSION;
}

int32_t
mood_initialize (int32_t signals)
{
  static int used = -1;
  int before = -1;

  if (!__atomic_compare_exchange_n (&used, &before, signals, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    return before == signals ? 0 : -EBUSY;

  mood_signals = signals;
  mood_error_install ();
  return 0;
}

int32_t
mood_libev_version (void)
{
  return ev_version_major () << 16 | ev_version_minor ();
}

uint32_t
mood_supported_backends (void)
{
  return ev_supported_backends ();
}

uint32_t
mood_recommended_backends (void)
{
  return ev_recommended_backends ();
}

/* libev also names io_uring, whose loops have no fd that another loop could watch */
uint32_t
mood_embeddable_backends (void)
{
  return ev_embeddable_backends () & ~(unsigned)EVBACKEND_IOURING;
}

int32_t
mood_fd_check (int32_t fd)
{
  return fcntl (fd, F_GETFD) < 0 ? -errno : 0;
}

int32_t
mood_live (int32_t what)
{
  return __atomic_load_n (what ? &mood_live_watchers : &live_loops, __ATOMIC_ACQUIRE);
}

/* -- life ---------------------------------------------------------------------------------------------------------- */

static void
wake_cb (struct ev_loop *ev, ev_async *w, int revents)
{
  mood_loop *l = (mood_loop *)ev_userdata (ev);

  (void)w;
  (void)revents;
  l->host.wake (l->data);
}

/* instead of ev_invoke_pending */
static void
invoke_pending (struct ev_loop *ev)
{
  mood_loop *l = (mood_loop *)ev_userdata (ev);
  int stalled = l->stalled;

  if (l->manual == MANUAL_HOST)
    mood_ev_adopt (ev);

  mood_ev_refill (ev);
  mood_ev_reread (ev);

  /* halted inside the poll, where libev's own assert takes a break back afterwards: say it again */
  if (l->queue.halted)
    {
      mood_ev_settle_pending (ev);
      ev_break (ev, EVBREAK_ALL);
    }
  else if (l->queue.always || mood_ev_any_pending (ev))
    l->host.pending (l->data);

  /* on a manual clock, with nothing left but timers of the future: this run ends, for it would wait for ever */
  if (stalled)
    {
      l->stalled = 0;

      if (mood_ev_done (ev) == EVBREAK_CANCEL)
        ev_break (ev, EVBREAK_ONE);
    }
}

static int
reserve_eventfd (void)
{
#if __linux__
  mood_spare_eventfd = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  return mood_spare_eventfd < 0 ? -errno : 0;
#else
  return 0;
#endif
}

static void
drop_eventfd (void)
{
#if __linux__
  if (mood_spare_eventfd >= 0)
    close (mood_spare_eventfd);

  mood_spare_eventfd = -1;
#endif
}

int32_t
mood_loop_new (uint32_t flags, int32_t is_default, const mood_callbacks *host, void *data, mood_loop **loop)
{
  mood_loop *outer = mood_current;
  mood_loop *l = calloc (1, sizeof *l);
  int error;

  if (!l)
    return -ENOMEM;

  if ((error = reserve_eventfd ()) < 0)
    {
      free (l);
      return error;
    }

  l->spare = -1;
  mood_current = l;

  if (!is_default)
    l->ev = ev_loop_new (flags);
  else
    error = mood_signal_default (flags, &l->ev);

  /* nobody named a backend, and the best one failed for want of fds: that is no reason to take another */
  if (l->ev && !(flags & EVBACKEND_MASK) && (l->refused == EMFILE || l->refused == ENFILE))
    l->error = l->refused;

  if (l->ev && l->error)
    {
      error = l->error > 0 ? -l->error : -EIO;
      mood_signal_close (l->ev);
      l->ev = 0;
    }

  if (l->ev)
    {
      l->host = *host;
      l->data = data;
      l->references = 1;
      ev_set_userdata (l->ev, l);
      ev_set_invoke_pending_cb (l->ev, invoke_pending);
      mood_ev_queue (l->ev, &l->queue);
      mood_ev_settle (l->ev);

      ev_async_init (&l->wake, wake_cb);
      ev_set_priority (&l->wake, EV_MAXPRI);
      ev_async_start (l->ev, &l->wake);
      ev_unref (l->ev);
      __atomic_store_n (&l->open, 1, __ATOMIC_SEQ_CST);
      __atomic_add_fetch (&live_loops, 1, __ATOMIC_RELAXED);
    }

  drop_eventfd ();
  mood_current = outer;

  if (!l->ev)
    {
      free (l);
      return error < 0 ? error : -MOOD_ENOBACKEND;
    }

  *loop = l;
  return 0;
}

/* After this no thread is inside a wake of this loop, and none gets in. */
static void
close_gate (mood_loop *l)
{
  __atomic_store_n (&l->open, 0, __ATOMIC_SEQ_CST);

  while (__atomic_load_n (&l->senders, __ATOMIC_SEQ_CST))
    sched_yield ();
}

void
mood_loop_close (mood_loop *l)
{
  mood_loop *outer = mood_current;

  close_gate (l);

  mood_current = l;
  mood_signal_close (l->ev);
  mood_current = outer;

  if (l->spare >= 0)
    close (l->spare);

  l->ev = 0;
  __atomic_sub_fetch (&live_loops, 1, __ATOMIC_RELAXED);
}

void
mood_loop_release (mood_loop *l)
{
  if (!__atomic_sub_fetch (&l->references, 1, __ATOMIC_ACQ_REL))
    free (l);
}

/* -- running ------------------------------------------------------------------------------------------------------- */

int32_t
mood_loop_run (mood_loop *l, int32_t flags)
{
  mood_loop *outer = mood_current;
  int active = 1;

  /* a break that is meant for the run around this one: ev_run would forget it */
  int done = ev_depth (l->ev) ? mood_ev_done (l->ev) : EVBREAK_CANCEL;

  if (done != EVBREAK_ALL)
    {
      mood_current = l;
      l->queue.halted = 0;
      active = ev_run (l->ev, flags);
      mood_current = outer;

      if (done == EVBREAK_ONE && mood_ev_done (l->ev) == EVBREAK_CANCEL)
        ev_break (l->ev, EVBREAK_ONE);
    }

  return (active > 0 ? MOOD_RUN_ACTIVE : 0) | (l->error ? MOOD_RUN_FAILED : 0);
}

void
mood_loop_break (mood_loop *l, int32_t how)
{
  ev_break (l->ev, how);
}

void
mood_loop_halt (mood_loop *l)
{
  l->queue.halted = 1;

  if (l->ev)
    ev_break (l->ev, EVBREAK_ALL);
}

mood_queue *
mood_loop_queue (mood_loop *l)
{
  return &l->queue;
}

void
mood_loop_settle (mood_loop *l)
{
  mood_ev_settle_pending (l->ev);
}

static void
send (mood_loop *l, ev_async *w)
{
  /* so that they cannot keep it from closing, however many come */
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
  /* Sent and not yet seen: nothing to do. What there is to do was published before; the loop clears `sent` before it
   * looks for it: with a full fence on both sides one of the two sees the other (the walk of mood_queue has its half). */
  __atomic_thread_fence (__ATOMIC_SEQ_CST);

  if (!((ev_async *)w)->sent)
    send (w->owner, (ev_async *)w);
}

int32_t
mood_async_sent (mood_watcher *w)
{
  return ev_is_active (w) && ev_async_pending ((ev_async *)w);
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

double
mood_loop_now (mood_loop *l)
{
  return ev_now (l->ev);
}

static void
with_time (mood_loop *l, void (*call) (struct ev_loop *))
{
  mood_loop *outer = mood_current;

  mood_current = l;
  call (l->ev);
  mood_current = outer;
}

void
mood_loop_now_update (mood_loop *l)
{
  with_time (l, l->manual == MANUAL_HOST ? mood_ev_look : ev_now_update);
}

void
mood_loop_suspend (mood_loop *l)
{
  with_time (l, l->manual == MANUAL_HOST ? mood_ev_look : ev_suspend);
}

void
mood_loop_resume (mood_loop *l)
{
  with_time (l, l->manual == MANUAL_HOST ? mood_ev_resume : ev_resume);
}

/* libev sleeps for it, which is waiting for time */
void
mood_loop_io_interval (mood_loop *l, double seconds)
{
  ev_set_io_collect_interval (l->ev, l->manual == MANUAL_HOST ? 0. : seconds);
}

void
mood_loop_timeout_interval (mood_loop *l, double seconds)
{
  ev_set_timeout_collect_interval (l->ev, seconds);
}

/* -- the rest of libev's loop calls, one to one -------------------------------------------------------------------- */

/* ev_loop_fork, plus: the files are looked at again */
void
mood_reset (mood_loop *l)
{
  ev_loop_fork (l->ev);
  l->reread = 1;
}

/* the eventfd that the next iteration will want is made now, while there is somebody to tell that it cannot be */
int32_t
mood_loop_reset (mood_loop *l)
{
#if __linux__
  if (l->spare < 0 && (l->spare = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
    return -errno;
#endif

  mood_reset (l);
  return 0;
}

void
mood_loop_ref (mood_loop *l)
{
  ev_ref (l->ev);
}

void
mood_loop_unref (mood_loop *l)
{
  ev_unref (l->ev);
}

void
mood_loop_feed_fd (mood_loop *l, int32_t fd, int32_t revents)
{
  ev_feed_fd_event (l->ev, fd, revents);
}

void
mood_loop_feed_signal (mood_loop *l, int32_t signum)
{
  ev_feed_signal_event (l->ev, signum);
}

void
mood_loop_verify (mood_loop *l)
{
  mood_verifying = 1;
  ev_verify (l->ev);
  mood_verifying = 0;
}

uint32_t
mood_loop_iteration (mood_loop *l)
{
  return ev_iteration (l->ev);
}

uint32_t
mood_loop_depth (mood_loop *l)
{
  return ev_depth (l->ev);
}

int32_t
mood_loop_pending (mood_loop *l)
{
  return mood_ev_pending (l->ev);
}

uint32_t
mood_loop_backend (mood_loop *l)
{
  return ev_backend (l->ev);
}

int32_t
mood_loop_changes (mood_loop *l)
{
  return mood_ev_changes (l->ev);
}
