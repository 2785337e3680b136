/* Creating, running and closing a loop. */
#include "libev.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

__thread mood_loop *mood_current;

static unsigned loops_made;

/* -- creation and closing ---------------------------------------------------------------------------------------------------------- */

static void
wake_cb (struct ev_loop *ev, ev_async *w, int revents)
{
  mood_loop *l = (mood_loop *)ev_userdata (ev);

  (void)w;
  (void)revents;
  l->host.wake (l->data);
}

/* Replaces ev_invoke_pending. */
static void
invoke_pending (struct ev_loop *ev)
{
  mood_loop *l = (mood_loop *)ev_userdata (ev);
  int stalled = l->stalled, between = mood_between (l), may_reset = between && !mood_ev_is_reset_due (ev);

  if (l->manual == MANUAL_HOST)
    mood_ev_adopt (ev);

  mood_ev_find_lost (ev);
  mood_ev_refill (ev);
  mood_ev_reread (ev);
  mood_ev_take_wakes (ev);

  if (l->forks && !between)
    mood_ev_call_forks (ev);

  /* A halt inside the poll has broken the loop. libev resets the break after the poll, so it is set again here. */
  if (l->queue.halted)
    {
      mood_ev_settle_pending (ev);
      ev_break (ev, EVBREAK_ALL);
    }
  else if (l->queue.always || mood_ev_queued (ev))
    {
      l->host.pending (l->data);
      l->queue.left = l->queue.always && !l->queue.halted ? mood_ev_queued (ev) : 0;
    }

  mood_ev_renew (ev);

  if (may_reset)
    mood_ev_delay_forks (ev);

  l->walked = ev_iteration (ev);

  /* On a manual clock only future timers are left: this run ends, because it would wait for ever. */
  if (stalled)
    {
      l->stalled = 0;

      if (mood_ev_done (ev) == EVBREAK_CANCEL)
        ev_break (ev, EVBREAK_ONE);
    }
}

static void
free_loop (mood_loop *l)
{
  free (l->placeholder);
  free (l);
}

int32_t
mood_loop_new (uint32_t flags, int32_t is_default, const mood_callbacks *host, void *data, mood_loop **loop)
{
  mood_loop *l = calloc (1, sizeof *l), *outer;
  int error;

  if (!l)
    return -ENOMEM;

  l->serial = __atomic_fetch_add (&loops_made, 1, __ATOMIC_RELAXED);
  l->spare = l->made = -1;
  l->walked = -1U;

  if ((error = mood_ev_reserve (l)) < 0)
    {
      free (l);
      return error;
    }

  /* Without this flag, libev first makes four system calls to find out whether the program is privileged. */
  if (!getenv ("LIBEV_FLAGS"))
    flags |= EVFLAG_NOENV;

  outer = mood_enter (l);

  if (!is_default)
    l->ev = ev_loop_new (flags);
  else
    error = mood_signal_default (flags, &l->ev);

  mood_ev_made (l);

  /* The caller named no backend, and the best one failed for lack of fds. That is an error, not a reason for another backend. */
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
      mood_ev_may_open (l->ev);

      if (is_default)
        mood_child_open (l);

      mood_ev_return_reference (l->ev);

      ev_async_init (&l->wake, wake_cb);
      ev_set_priority (&l->wake, EV_MAXPRI);
      ev_async_start (l->ev, &l->wake);
      ev_unref (l->ev);
      __atomic_store_n (&l->open, 1, __ATOMIC_SEQ_CST);
      mood_count (MOOD_LOOPS, 1);
    }

  mood_ev_drop_reserve (l);
  mood_leave (outer);

  if (!l->ev)
    {
      free_loop (l);
      return error < 0 ? error : -MOOD_ENOBACKEND;
    }

  *loop = l;
  return 0;
}

/* When this returns, no thread is inside a wake of this loop, and none enters one. */
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
  mood_loop *outer;

  close_gate (l);

  outer = mood_enter (l);
  mood_signal_close (l->ev);
  mood_leave (outer);

  mood_ev_drop_reserve (l);
  l->ev = 0;
  mood_count (MOOD_LOOPS, -1);
}

void
mood_loop_release (mood_loop *l)
{
  if (!__atomic_sub_fetch (&l->references, 1, __ATOMIC_ACQ_REL))
    free_loop (l);
}

/* -- running ------------------------------------------------------------------------------------------------------- */

int32_t
mood_loop_run (mood_loop *l, int32_t flags)
{
  int active = 1;

  /* In a nested run: the break that is pending for the outer run. ev_run would reset it, so it is set again below. */
  int done = ev_depth (l->ev) ? mood_ev_done (l->ev) : EVBREAK_CANCEL;

  if (done != EVBREAK_ALL)
    mood_ev_check_lost (l->ev);

  /* A failure that was recorded outside a run ends this run before it begins, because ev_run would wait first. */
  if (done != EVBREAK_ALL && !l->error)
    {
      mood_loop *outer = mood_enter (l);
      int between = mood_between (l);

      l->queue.halted = 0;
      l->walked = ev_iteration (l->ev) - 1;
      mood_ev_retry (l->ev);
      active = ev_run (l->ev, flags);
      l->walked = ev_iteration (l->ev) - !between; /* between or not, as before this run: mood_between */
      mood_leave (outer);

      if (done == EVBREAK_ONE && mood_ev_done (l->ev) == EVBREAK_CANCEL)
        ev_break (l->ev, EVBREAK_ONE);
    }

  return (active > 0 ? MOOD_RUN_ACTIVE : 0) | (l->error ? MOOD_RUN_FAILED : 0);
}

void
mood_loop_break (mood_loop *l, int32_t how)
{
  /* ev_break would replace a stronger break, so a weaker one is ignored */
  if (how == EVBREAK_CANCEL || how > mood_ev_done (l->ev))
    ev_break (l->ev, how);
}

int32_t
mood_loop_stopped (mood_loop *l)
{
  return ev_depth (l->ev) && mood_ev_done (l->ev) == EVBREAK_ALL;
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

/* -- time ---------------------------------------------------------------------------------------------------------- */

double
mood_loop_now (mood_loop *l)
{
  return ev_now (l->ev);
}

static void
with_time (mood_loop *l, void (*call) (struct ev_loop *))
{
  mood_loop *outer = mood_enter (l);

  call (l->ev);
  mood_leave (outer);
}

void
mood_loop_now_update (mood_loop *l)
{
  l->looked = mood_cycles (); /* before the clock is read: so clock.c never takes the loop's time for newer than it is */
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

/* libev sleeps for this interval. On a manual clock no time passes. */
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

/* -- the other loop functions of libev, one to one -------------------------------------------------------------------- */

/* ev_loop_fork */
void
mood_reset (mood_loop *l)
{
  mood_loop *outer = mood_enter (l);

  ev_loop_fork (l->ev);
  mood_child_reset (l);
  mood_leave (outer);
}

/* The next iteration needs a new eventfd, and a new io_uring if it uses one. They are created now, so that a refusal is an error of Reset. */
int32_t
mood_loop_reset (mood_loop *l)
{
  int error = mood_ev_reserve (l);

  if (!error)
    error = mood_ev_reserve_ring (l);

  if (!error)
    mood_reset (l);

  return error;
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
  mood_loop *outer = mood_enter (l);

  ev_feed_fd_event (l->ev, fd, revents);
  mood_leave (outer);
}

void
mood_loop_feed_signal (mood_loop *l, int32_t signum)
{
  mood_loop *outer = mood_enter (l);

  mood_signal_arrive (signum);
  ev_feed_signal_event (l->ev, signum);
  mood_leave (outer);
}

void
mood_loop_verify (mood_loop *l)
{
  /* libev has stopped pending watchers. Those without KeepAlive have wrong references until they are settled, and ev_verify
   * checks the count. */
  mood_ev_settle_pending (l->ev);
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
