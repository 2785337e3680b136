/* Signals without taking dispositions from the host.
 *
 * libev keeps its whole machinery: one loop per signal, coalescing, feeding, priorities. Only its system calls come
 * here. With MOOD_SIGNALS_HOST they do nothing: the managed side holds a registration with the runtime, whose handler
 * calls mood_feed_signal. With MOOD_SIGNALS_NATIVE a handler is installed, which chains where the old one must go on
 * working, and the old one comes back when the last watcher stops.
 */
#include "libev.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#ifndef NSIG
# define NSIG 65
#endif

/* what was there before our handler, and what was put over ours since, which ours was put over again: see install */
static struct sigaction saved [NSIG], above [NSIG];
static char installed [NSIG], covered [NSIG];

/* the signal frame that `above` is being called for */
static void *calling [NSIG];

/* serialises who attaches to and detaches from a signal; handlers and feeders never take it */
static int lock;

/* threads and handlers inside mood_feed_signal right now, by signal */
static int feeders [NSIG];

/* in the order of Signum.cs; 0 ends the list */
static const int numbers [] = {
  SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE,
  SIGALRM, SIGTERM, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF,
  SIGWINCH, SIGIO, SIGSYS,
#ifdef SIGPWR
  SIGPWR,
#else
  -1,
#endif
  0
};

int32_t
mood_signal_number (int32_t index)
{
  int count = sizeof numbers / sizeof *numbers - 1;

  if (index >= 0 && index < count)
    return numbers [index];

#ifdef SIGRTMIN
  if (index == count)
    return SIGRTMIN;
  if (index == count + 1)
    return SIGRTMAX;
#endif

  return -1;
}

int32_t
mood_signal_check (int32_t signum)
{
  if (signum <= 0 || signum >= NSIG)
    return -ERANGE;

  switch (signum)
    {
      /* cannot be caught, or mean a fault in this very thread that the runtime turns into an exception */
      case SIGKILL: case SIGSTOP:
      case SIGSEGV: case SIGBUS: case SIGFPE: case SIGILL: case SIGTRAP: case SIGABRT:
        return -EPERM;
    }

#ifdef SIGRTMIN
  /* below SIGRTMIN: the C library's own; SIGRTMIN: the runtime suspends threads with it */
  if (signum >= 32 && signum <= SIGRTMIN)
    return -EPERM;
#else
  /* where there are no real-time signals, the runtime suspends threads with this one */
  if (signum == SIGUSR1)
    return -EPERM;
#endif

  /* barrier.c's own: one from elsewhere at the wrong moment makes child.c reap a child that is not its own */
  if (mood_barrier_owns (signum))
    return -EPERM;

  return 0;
}

void
mood_feed_signal (int32_t signum)
{
  /* so that they cannot keep a loop from closing, however many come */
  if (!mood_ev_signal_loop (signum))
    return;

  __atomic_add_fetch (&feeders [signum], 1, __ATOMIC_SEQ_CST);
  ev_feed_signal (signum);
  __atomic_sub_fetch (&feeders [signum], 1, __ATOMIC_SEQ_CST);
}

/* -- MOOD_SIGNALS_NATIVE ------------------------------------------------------------------------------------------- */

/* somebody in the process lives on these being delivered, whoever else listens */
static int
chains (int signum)
{
  return signum == SIGCHLD || signum == SIGCONT || signum == SIGWINCH || signum == SIGURG;
}

static void
call (const struct sigaction *old, int signum, siginfo_t *info, void *context)
{
  if (old->sa_flags & SA_SIGINFO)
    {
      if (old->sa_sigaction)
        old->sa_sigaction (signum, info, context);
    }
  else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN)
    old->sa_handler (signum);
}

static void
handler (int signum, siginfo_t *info, void *context)
{
  mood_feed_signal (signum);

  if (!chains (signum))
    return;

  /* who was put over ours may call it: then it is the turn of the one before ours */
  if (!__atomic_load_n (covered + signum, __ATOMIC_ACQUIRE) || !context
      || __atomic_load_n (calling + signum, __ATOMIC_SEQ_CST) == context)
    call (&saved [signum], signum, info, context);
  else
    {
      __atomic_store_n (calling + signum, context, __ATOMIC_SEQ_CST);
      call (&above [signum], signum, info, context);
      __atomic_store_n (calling + signum, (void *)0, __ATOMIC_SEQ_CST);
    }
}

static int
ours (const struct sigaction *now)
{
  return now->sa_flags & SA_SIGINFO && now->sa_sigaction == handler;
}

/* Handlers are expected to call those they were put over. Mono's Process does not: its SIGCHLD handler comes with the first
 * process it starts, and silences what was there. So for signals that many listen to, ours goes on top again. */
static int
install (int signum)
{
  struct sigaction sa, now;

  if (installed [signum] && !chains (signum))
    return 0;

  if (sigaction (signum, 0, &now))
    return -1;

  if (ours (&now))
    return 0;

  if (!installed [signum])
    saved [signum] = now;
  else
    {
      above [signum] = now;
      __atomic_store_n (covered + signum, 1, __ATOMIC_RELEASE);
    }

  memset (&sa, 0, sizeof sa);
  sa.sa_sigaction = handler;
  sa.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigemptyset (&sa.sa_mask);

  if (sigaction (signum, &sa, 0))
    return -1;

  installed [signum] = 1;
  return 0;
}

int
mood_hook_sigaction (int signum, const struct sigaction *action, struct sigaction *old)
{
  (void)action;
  (void)old;
  return mood_signals == MOOD_SIGNALS_NATIVE ? install (signum) : 0;
}

void
mood_signal_renew (int signum)
{
  if (mood_signals != MOOD_SIGNALS_NATIVE)
    return;

  mood_lock (&lock);

  if (installed [signum])
    install (signum);

  mood_unlock (&lock);
}

void
mood_hook_signal (int signum)
{
  struct sigaction now;

  if (!installed [signum] || sigaction (signum, 0, &now))
    return;

  /* somebody has put a handler before ours since, and calls it: to put the old one back would silence theirs */
  if (!ours (&now))
    return;

  sigaction (signum, covered [signum] ? &above [signum] : &saved [signum], 0);
  installed [signum] = covered [signum] = 0;
}

/* -- attach and detach --------------------------------------------------------------------------------------------- */

int
mood_signal_start (ev_signal *w)
{
  struct ev_loop *loop;
  int error = 0;

  mood_lock (&lock);
  loop = mood_ev_signal_loop (w->signum);

  if (loop && loop != w->owner->ev)
    error = -EBUSY;
  else
    {
      /* what came while nobody listened is not for this watcher */
      if (!mood_ev_signal_head (w->signum))
        mood_ev_signal_detach (w->signum);

      ev_signal_start (w->owner->ev, w);
    }

  mood_unlock (&lock);
  return error;
}

/* The signal has no loop any more, which new feeders see; none is left that saw the old one, and could still write to it. */
static void
outlast_feeders (int signum)
{
  while (__atomic_load_n (&feeders [signum], __ATOMIC_SEQ_CST))
    sched_yield ();
}

void
mood_signal_stop (ev_signal *w)
{
  int was_active = ev_is_active (w);

  mood_lock (&lock);
  ev_signal_stop (w->owner->ev, w);

  /* the last one: closing the loop will not find its signal again */
  if (was_active && !mood_ev_signal_loop (w->signum))
    outlast_feeders (w->signum);

  mood_unlock (&lock);
}

int
mood_signal_default (unsigned flags, struct ev_loop **ev)
{
  int error = 0;

  mood_lock (&lock);

  if (mood_ev_signal_loop (SIGCHLD))
    error = -EBUSY;
  else
    {
      mood_ev_signal_detach (SIGCHLD);
      mood_child_forget ();
      *ev = mood_ev_default_fresh (flags);
    }

  mood_unlock (&lock);
  return error;
}

/* The loop goes. Its signals forget it first, without a look at its watchers, whose memory may be gone already, and
 * nobody is feeding it any more. All of it under the lock: destroying the default loop stops libev's own SIGCHLD watcher. */
void
mood_signal_close (struct ev_loop *ev)
{
  int signum;

  mood_lock (&lock);

  for (signum = 1; signum < NSIG; ++signum)
    if (mood_ev_signal_loop (signum) == ev)
      {
        mood_ev_signal_detach (signum);
        mood_hook_signal (signum);
        outlast_feeders (signum);
      }

  mood_ev_destroy (ev);
  mood_unlock (&lock);
}

void
mood_signal_set (mood_watcher *w, int32_t signum)
{
  ev_signal_set ((ev_signal *)w, signum);
}
