/* How to know that the host has handled every signal that came before now.
 *
 * The host (the .NET runtime) writes each signal into a pipe, first in, first out, and one thread of its own reads it. So a
 * signal of ours, raised at this very thread, lies behind all that came before, and when the host's handler for it
 * runs, those have been handled. Each raise is one ticket; the signal is a real-time one, of which none is merged with
 * another. child.c and the host's last stop of a signal rely on it.
 */
#include "libev.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#ifdef SIGRTMAX
# define BARRIER SIGRTMAX
#else
# define BARRIER SIGURG
#endif

static int lock, raised, handled;

int32_t
mood_barrier_signal (void)
{
  return BARRIER;
}

/* no thread of a managed process blocks signals: it is in the host's pipe before this returns, in the order of tickets */
int32_t
mood_barrier_raise (void)
{
  int ticket;

  while (__atomic_exchange_n (&lock, 1, __ATOMIC_ACQUIRE))
    sched_yield ();

  ticket = ++raised;

  /* our own handler runs inside the signal, and the host's behind it: there is no pipe to wait for */
  if (mood_signals == MOOD_SIGNALS_NATIVE)
    __atomic_store_n (&handled, ticket, __ATOMIC_SEQ_CST);
  else
    pthread_kill (pthread_self (), BARRIER);

  __atomic_store_n (&lock, 0, __ATOMIC_RELEASE);
  return ticket;
}

/* A signal sent to the process is some thread's to take, mostly the main thread's. On a busy machine that one may not have run
 * since: then the signal is not in the host's pipe, and a barrier would overtake it. sigpending tells of blocked signals only. */
int32_t
mood_barrier_early (int32_t signum)
{
  sigset_t one, old, waiting;

  sigemptyset (&one);
  sigaddset (&one, signum);
  sigemptyset (&waiting);
  pthread_sigmask (SIG_BLOCK, &one, &old);
  sigpending (&waiting);
  pthread_sigmask (SIG_SETMASK, &old, 0);
  return sigismember (&waiting, signum);
}

void
mood_barrier_handled (void)
{
  __atomic_add_fetch (&handled, 1, __ATOMIC_SEQ_CST);
  mood_child_passed ();
}

int32_t
mood_barrier_passed (int32_t ticket)
{
  return __atomic_load_n (&handled, __ATOMIC_SEQ_CST) - ticket >= 0;
}
