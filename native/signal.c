/* Signals, without taking the dispositions away from the host.
 *
 * libev keeps its own logic: one loop per signal, coalescing, feeding, priorities. This file replaces only its system calls.
 * feed.c starts and stops the watchers.
 *
 * MOOD_SIGNALS_HOST: the host (the .NET runtime) owns the disposition of each signal. Its handler writes the signal into a
 * pipe. The host's own thread reads the pipe and calls the host's registrations on a thread pool, which may be busy for a
 * long time. So our handler replaces the host's handler. It feeds the loop at once, and then calls the host's handler. The
 * host's registration remains, because it prevents the default action. It calls mood_signal_guard, which tells whether the
 * signal came while it was watched:
 *
 *   mood_signal_watch      our handler replaces the host's handler
 *   a signal comes         owed [signum] is counted up, the loop is fed, the host's handler writes
 *   the host's pool        mood_signal_guard counts owed [signum] down: no default action
 *   mood_signal_unwatch    the host's handler is put back. A signal that a thread took before still runs our handler
 *   mood_signal_unguard    0: nothing is owed, and the registration may be disposed. Otherwise the mood_signal_guard that
 *                          counts owed [signum] down to 0 tells it
 *
 * MOOD_SIGNALS_NATIVE: there are no registrations. libev's own calls install our handler. It calls the old handler for the
 * signals that other parts of a process depend on (see chains). The old handler is put back when the last watcher stops.
 */
#include "libev.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if __linux__
# include <dirent.h>
#endif

#ifndef NSIG
# define NSIG 65
#endif

/* Written under mood_signal_lock, before sigaction installs our handler. saved: the action that our handler replaced. above: an action that
 * later replaced our handler, and that our handler then replaced in turn (see install). */
static struct sigaction saved [NSIG], above [NSIG];

/* Atomic, written under mood_signal_lock. installed: our handler is the signal's handler, or the later handler calls it. covered: `above` is
 * in use. left: no watcher is active, and a later handler still calls our handler. */
static int installed [NSIG], covered [NSIG], left [NSIG];

/* Atomic, MOOD_SIGNALS_HOST only. watched: from mood_signal_watch to mood_signal_unwatch. owed: how many signals our handler
 * passed to the host's handler, minus those that mood_signal_guard has seen. It includes the bit GUARDED from mood_signal_watch until
 * mood_signal_unguard finds that nothing is owed. Count and bit are one word, so that a handler never counts for a registration that
 * is being disposed. registering: odd while the host makes or disposes its registration. Every change gives it a new value. */
static int watched [NSIG], owed [NSIG], registering [NSIG];

enum { GUARDED = 1 << 30 };

/* the context of the signal frame from which `above` is being called, or null */
static void *calling [NSIG];

/* in the order of Signum.cs; 0 ends the list */
/* clang-format off */
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
/* clang-format on */

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
      case SIGKILL:
      case SIGSTOP:
      case SIGSEGV:
      case SIGBUS:
      case SIGFPE:
      case SIGILL:
      case SIGTRAP:
      case SIGABRT: return -EPERM;
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

  return 0;
}

/* -- the handler --------------------------------------------------------------------------------------------------- */

static int
get (const int *flag)
{
  return __atomic_load_n (flag, __ATOMIC_SEQ_CST);
}

static void
set (int *flag, int value)
{
  __atomic_store_n (flag, value, __ATOMIC_SEQ_CST);
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

static int
same (const struct sigaction *one, const struct sigaction *other)
{
  return one->sa_handler == other->sa_handler; /* in one union with sa_sigaction */
}

/* Other parts of a process depend on these signals, and they have no default action that ends it. */
static int
is_shared (int signum)
{
  return signum == SIGCHLD || signum == SIGCONT || signum == SIGWINCH || signum == SIGURG;
}

/* Whether our handler calls the old one. If the host owns the dispositions: always, because the host's handler prevents the default
 * action. Otherwise: only for the signals that other parts of a process depend on. */
static int
chains (int signum)
{
  return mood_signals == MOOD_SIGNALS_HOST || is_shared (signum);
}

/* Counts the signal in `owed` if our registration will ask about it (mood_signal_guard). Returns whether it will. */
static int
count_owed (int signum)
{
  int n = get (owed + signum);

  while (n & GUARDED)
    if (__atomic_compare_exchange_n (owed + signum, &n, n + 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
      return 1;

  return 0;
}

/* MOOD_SIGNALS_HOST: whether our handler must call the host's handler for a signal that this thread has taken.
 *
 * 1. No watcher is active (`left`): yes. Our handler only passes the signal on.
 * 2. Our registration exists: yes. It prevents the default action, and the signal is counted in `owed`.
 * 3. Our registration was disposed after this thread took the signal: yes if the host's handler is installed, because then other
 *    registrations need it, and decide about the default action. Otherwise no, because the host would do the default action.
 * 4. Our registration is being made or disposed (`registering` is odd): yes for a shared signal, which the host needs, for example for
 *    its children. Otherwise no. The test of case 3 would prove nothing here, because the host's handler may be installed for our
 *    registration only. A wait is not allowed, because this thread may be the one that makes or disposes the registration. */
static int
must_pass (int signum)
{
  struct sigaction now;
  int before, others;

  do
    {
      before = get (registering + signum);

      if (get (left + signum) || count_owed (signum))
        return 1;

      if (before & 1)
        return is_shared (signum);

      others = !sigaction (signum, 0, &now) && same (&now, saved + signum);
    }
  while (get (registering + signum) != before);

  return others;
}

static void
handler (int signum, siginfo_t *info, void *context)
{
  int error = errno;

  /* This handler has called `above`, and `above` calls this handler again. Now it must call the saved handler. */
  if (get (covered + signum) && context && __atomic_load_n (calling + signum, __ATOMIC_SEQ_CST) == context)
    call (&saved [signum], signum, info, context);
  else
    {
      int pass = chains (signum) && (mood_signals != MOOD_SIGNALS_HOST || must_pass (signum));

      mood_feed_signal (signum);

      if (pass && get (covered + signum) && context)
        {
          __atomic_store_n (calling + signum, context, __ATOMIC_SEQ_CST);
          call (&above [signum], signum, info, context);
          __atomic_store_n (calling + signum, (void *)0, __ATOMIC_SEQ_CST);
        }
      else if (pass)
        call (&saved [signum], signum, info, context);
    }

  errno = error;
}

static int
ours (const struct sigaction *now)
{
  return now->sa_flags & SA_SIGINFO && now->sa_sigaction == handler;
}

/* Under the lock. A handler should call the handler that it replaced. Mono's Process does not: it installs its SIGCHLD handler
 * when it starts its first process, and never calls the old one. So for the signals of `chains`, our handler is installed
 * again, over the new one. The .NET runtime never does this, so there our handler is not installed a second time. If the runtime
 * has put `saved` back, our handler counts as not installed. */
static int
install (int signum)
{
  struct sigaction sa, now;

  if (sigaction (signum, 0, &now))
    return -1;

  if (ours (&now))
    {
      set (installed + signum, 1);
      return 0;
    }

  if (get (installed + signum) && same (&now, saved + signum))
    {
      set (covered + signum, 0);
      set (installed + signum, 0);
    }

  if (get (installed + signum) && (mood_signals == MOOD_SIGNALS_HOST || !chains (signum)))
    return 0;

  memset (&sa, 0, sizeof sa);
  sa.sa_sigaction = handler;
  sa.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigemptyset (&sa.sa_mask);

  if (!get (installed + signum))
    {
      if (mood_signals == MOOD_SIGNALS_HOST)
        {
          /* an ignored signal stays ignored: the host did not put a handler there either */
          if (!(now.sa_flags & SA_SIGINFO) && (now.sa_handler == SIG_IGN || now.sa_handler == SIG_DFL))
            return 0;

          /* the host's handler runs in the same frame */
          sa.sa_mask = now.sa_mask;
          sa.sa_flags = SA_SIGINFO | (now.sa_flags & ~SA_RESETHAND);
        }

      saved [signum] = now;
    }
  else
    {
      above [signum] = now;
      set (covered + signum, 1);
    }

  set (installed + signum, 1);
  return sigaction (signum, &sa, 0); /* fails for no signal that mood_signal_check lets pass */
}

/* under the lock */
static void
uninstall (int signum)
{
  struct sigaction now;

  if (!get (installed + signum) || sigaction (signum, 0, &now))
    return;

  /* Another handler has replaced our handler, and calls it. If the old handler were put back now, the other one would be lost. */
  if (!ours (&now))
    return;

  sigaction (signum, get (covered + signum) ? &above [signum] : &saved [signum], 0);
  set (covered + signum, 0);
  set (installed + signum, 0);
}

/* -- MOOD_SIGNALS_NATIVE: libev's calls ---------------------------------------------------------------------------- */

int
mood_hook_sigaction (int signum, const struct sigaction *action, struct sigaction *old)
{
  (void)action;
  (void)old;
  return mood_signals == MOOD_SIGNALS_NATIVE ? install (signum) : 0;
}

void
mood_hook_signal (int signum)
{
  if (mood_signals == MOOD_SIGNALS_NATIVE)
    uninstall (signum);
}

void
mood_signal_renew (int signum)
{
  if (mood_signals != MOOD_SIGNALS_NATIVE)
    return;

  mood_lock (&mood_signal_lock);

  if (get (installed + signum))
    install (signum);

  mood_unlock (&mood_signal_lock);
}

/* -- MOOD_SIGNALS_HOST: beside the host's registration ------------------------------------------------------------- */

void
mood_signal_register (int32_t signum, int32_t begins)
{
  int n = get (registering + signum) | 1;

  set (registering + signum, begins ? n : n + 1);
}

void
mood_signal_watch (int32_t signum)
{
  mood_lock (&mood_signal_lock);

  /* For a new registration the count begins at 0. For a shared signal, the previous registration may have been disposed while calls were
   * still owed. */
  if (get (registering + signum) & 1)
    set (owed + signum, GUARDED);
  else
    __atomic_or_fetch (owed + signum, GUARDED, __ATOMIC_SEQ_CST);

  set (watched + signum, 1);
  set (left + signum, 0);
  install (signum);
  mood_unlock (&mood_signal_lock);
}

/* A signal that was sent to the process may be pending until the thread that the kernel chose, mostly the main thread, runs. A
 * thread that unblocks the signal takes it instead. This function does so, and restores the mask. */
static void
take_pending (int signum)
{
  sigset_t signals, old;

  sigemptyset (&signals);
  sigaddset (&signals, signum);
  pthread_sigmask (SIG_BLOCK, &signals, &old); /* so that the next call changes the mask, and the kernel delivers the signal */
  pthread_sigmask (SIG_UNBLOCK, &signals, 0);
  pthread_sigmask (SIG_SETMASK, &old, 0);
}

void
mood_signal_unwatch (int32_t signum)
{
  mood_lock (&mood_signal_lock);
  take_pending (signum);
  uninstall (signum);
  set (left + signum, get (installed + signum));
  set (watched + signum, 0);
  mood_unlock (&mood_signal_lock);
}

int32_t
mood_signal_owed (int32_t signum)
{
  return get (owed + signum) & ~GUARDED;
}

int32_t
mood_signal_unguard (int32_t signum)
{
  int n = GUARDED;

  mood_signal_register (signum, 1);

  if (__atomic_compare_exchange_n (owed + signum, &n, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    return 0;

  mood_signal_register (signum, 0);
  return n & ~GUARDED;
}

int32_t
mood_signal_guard (int32_t signum)
{
  int n = get (owed + signum);

  while (n & ~GUARDED)
    if (__atomic_compare_exchange_n (owed + signum, &n, n - 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
      return (n & ~GUARDED) - 1;

  if (!get (watched + signum))
    return -1;

  /* The signal did not pass our handler: another part of the process has replaced it, or it was not installed yet. */
  mood_feed_signal (signum);
  return 0;
}

int32_t
mood_signal_raise (int32_t signum)
{
  sigset_t signals, old;

  if (!mood_signal_is_handled (signum))
    return 0;

  sigemptyset (&signals);
  sigaddset (&signals, signum);
  pthread_sigmask (SIG_UNBLOCK, &signals, &old);
  pthread_kill (pthread_self (), signum); /* returns after the signal was handled */
  pthread_sigmask (SIG_SETMASK, &old, 0);
  return 1;
}

/* -- whether a signal can arrive ----------------------------------------------------------------------------------- */

int
mood_signal_is_handled (int signum)
{
  struct sigaction now;

  return !sigaction (signum, 0, &now) && (now.sa_flags & SA_SIGINFO || (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN));
}

#if __linux__

/* whether the thread's status in /proc says that it blocks the signal */
static int
blocks (const char *id, int signum)
{
  char line [512];
  unsigned long long mask = 0;
  FILE *file;

  snprintf (line, sizeof line, "/proc/self/task/%s/status", id);

  if (!(file = fopen (line, "re")))
    return errno == ENOENT || errno == ESRCH; /* it has ended */

  while (fgets (line, sizeof line, file) && sscanf (line, "SigBlk: %llx", &mask) != 1)
    ;

  fclose (file);
  return mask >> (signum - 1) & 1;
}

/* 1: every thread of the process blocks the signal, for example because the process was started with it blocked. */
int
mood_signal_is_blocked (int signum)
{
  sigset_t now;
  struct dirent *entry;
  DIR *threads;
  int blocked;

  pthread_sigmask (SIG_BLOCK, 0, &now);
  blocked = sigismember (&now, signum) == 1;

  if (!blocked || !(threads = opendir ("/proc/self/task")))
    return 0; /* it is not blocked here, or other threads cannot be asked */

  while (blocked && (entry = readdir (threads)))
    if (entry->d_name [0] != '.')
      blocked = blocks (entry->d_name, signum);

  closedir (threads);
  return blocked;
}

#else

/* Other threads cannot be asked here. */
int
mood_signal_is_blocked (int signum)
{
  (void)signum;
  return 0;
}

#endif
