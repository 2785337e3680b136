/* Signals: the loop that a signal belongs to, and the feeding of that loop. signal.c has the delivery by the system. */
#include "libev.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#ifndef NSIG
# define NSIG 65
#endif

/* Serialises starts, stops and changes of a disposition. Handlers and feeders never take it. */
int mood_signal_lock;

/* by signal: how many threads and handlers are inside mood_feed_signal */
static int feeders [NSIG];

/* Atomic. By signal: when it was fed last, see mood_signal_arrived. */
static int arrived [NSIG];

/* Atomic. By signal: how often it was fed, see mood_signal_arrivals. */
static int arrivals [NSIG];

void
mood_signal_arrive (int32_t signum)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  __atomic_store_n (arrived + signum, (int)((uint32_t)now.tv_sec * 1000 + (uint32_t)(now.tv_nsec / 1000000)), __ATOMIC_SEQ_CST);
  __atomic_add_fetch (arrivals + signum, 1, __ATOMIC_SEQ_CST);
}

int32_t
mood_signal_arrivals (int32_t signum)
{
  return __atomic_load_n (arrivals + signum, __ATOMIC_SEQ_CST);
}

int32_t
mood_signal_arrived (int32_t signum)
{
  return __atomic_load_n (arrived + signum, __ATOMIC_SEQ_CST);
}

void
mood_feed_signal (int32_t signum)
{
  /* mood_signal_close waits for feeders. It detaches the signal first, so that new signals cannot delay it. */
  if (!mood_ev_signal_loop (signum))
    return;

  __atomic_add_fetch (&feeders [signum], 1, __ATOMIC_SEQ_CST);
  mood_signal_arrive (signum);
  ev_feed_signal (signum);
  __atomic_sub_fetch (&feeders [signum], 1, __ATOMIC_SEQ_CST);
}

int
mood_signal_start (ev_signal *w)
{
  struct ev_loop *loop;
  int error = 0;

  if (mood_signal_is_blocked (w->signum))
    return -EACCES;

  mood_lock (&mood_signal_lock);
  loop = mood_ev_signal_loop (w->signum);

  if (loop && loop != w->owner->ev)
    error = -EBUSY;
  else
    {
      /* a signal that came while no watcher was active is not for this one */
      if (!mood_ev_signal_head (w->signum))
        mood_ev_signal_detach (w->signum);

      ev_signal_start (w->owner->ev, w);
    }

  mood_unlock (&mood_signal_lock);
  return error;
}

void
mood_signal_stop (ev_signal *w)
{
  mood_lock (&mood_signal_lock);
  ev_signal_stop (w->owner->ev, w);
  mood_unlock (&mood_signal_lock);
}

int
mood_signal_default (unsigned flags, struct ev_loop **ev)
{
  int error = 0;

  mood_lock (&mood_signal_lock);

  if (mood_ev_signal_loop (SIGCHLD))
    error = -EBUSY;
  else
    {
      mood_ev_signal_detach (SIGCHLD);
      mood_child_forget ();
      *ev = mood_ev_default_fresh (flags);
    }

  mood_unlock (&mood_signal_lock);
  return error;
}

/* Closes a loop. First its signals are detached from it. This does not use its watchers, whose memory may be freed already. A
 * feeder that saw the loop may still write to it, even for a signal whose last watcher has stopped. So this function waits for
 * all feeders. It holds the lock throughout, because destroying the default loop stops libev's own SIGCHLD watcher. */
void
mood_signal_close (struct ev_loop *ev)
{
  int signum, is_default = ev_is_default_loop (ev);

  mood_lock (&mood_signal_lock);

  for (signum = 1; signum < NSIG; ++signum)
    if (mood_ev_signal_loop (signum) == ev)
      {
        mood_ev_signal_detach (signum);
        mood_hook_signal (signum);
      }

  for (signum = 1; signum < NSIG; ++signum)
    while (__atomic_load_n (&feeders [signum], __ATOMIC_SEQ_CST))
      sched_yield ();

  mood_ev_destroy (ev);

  if (is_default)
    mood_child_forget ();

  mood_unlock (&mood_signal_lock);
}

void
mood_signal_set (mood_watcher *w, int32_t signum)
{
  ev_signal_set ((ev_signal *)w, signum);
}
