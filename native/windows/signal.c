/* Signals on Windows: the four events of a console that System.Runtime.InteropServices.PosixSignalRegistration knows, under the numbers of
 * POSIX. feed.c starts and stops the watchers.
 *
 * MOOD_SIGNALS_HOST: the host's registration feeds the loop (mood_signal_guard). There is no handler of ours, so mood_signal_owed is always 0.
 * MOOD_SIGNALS_NATIVE: this file has a console handler. The system calls the handler on a separate thread. When the handler returns from a
 * close or a shutdown, the system ends the process at once. So the handler does not return from these. The program has time to end by itself.
 * After 5 s the system ends it. */
#include <winsock2.h>
#include <windows.h>

#include "../libev.h"

#include <errno.h>
#include <signal.h>

/* atomic: a watcher is active (MOOD_SIGNALS_NATIVE), or the host has a registration (MOOD_SIGNALS_HOST) */
static int watched [NSIG];

/* the numbers in the order of Signum.cs. SIGKILL is for mood_child_kill. */
int32_t
mood_signal_number (int32_t index)
{
  switch (index)
    {
      case 0: return SIGHUP;
      case 1: return SIGINT;
      case 2: return SIGQUIT;
      case 8: return SIGKILL;
      case 14: return SIGTERM;
      default: return -1;
    }
}

int32_t
mood_signal_check (int32_t signum)
{
  if (signum <= 0 || signum >= NSIG)
    return -ERANGE;

  return signum == SIGHUP || signum == SIGINT || signum == SIGQUIT || signum == SIGTERM ? 0 : -EPERM;
}

static int
is_watched (int signum)
{
  return __atomic_load_n (watched + signum, __ATOMIC_SEQ_CST);
}

static void
watch (int signum, int on)
{
  __atomic_store_n (watched + signum, on, __ATOMIC_SEQ_CST);
}

/* -- MOOD_SIGNALS_NATIVE ------------------------------------------------------------------------------------------- */

static BOOL WINAPI
handler (DWORD event)
{
  int signum = event == CTRL_C_EVENT       ? SIGINT
               : event == CTRL_BREAK_EVENT ? SIGQUIT
               : event == CTRL_CLOSE_EVENT ? SIGHUP
                                           : SIGTERM;

  /* A service gets this event for every user who logs off. That is no reason to end. */
  if (event == CTRL_LOGOFF_EVENT || !is_watched (signum))
    return FALSE;

  mood_feed_signal (signum);

  if (signum == SIGHUP || signum == SIGTERM)
    Sleep (INFINITE);

  return TRUE;
}

/* libev's call of signal(): under mood_signal_lock */
void
mood_hook_disposition (int signum, int on)
{
  static int installed;

  if (mood_signals != MOOD_SIGNALS_NATIVE || signum == SIGCHLD)
    return;

  if (on && !installed)
    installed = SetConsoleCtrlHandler (handler, TRUE);

  watch (signum, on);
}

void
mood_hook_signal (int signum)
{
  mood_hook_disposition (signum, 0);
}

/* -- MOOD_SIGNALS_HOST --------------------------------------------------------------------------------------------- */

void
mood_signal_register (int32_t signum, int32_t begins)
{
  (void)signum;
  (void)begins;
}

void
mood_signal_watch (int32_t signum)
{
  watch (signum, 1);
}

void
mood_signal_unwatch (int32_t signum)
{
  watch (signum, 0);
}

int32_t
mood_signal_owed (int32_t signum)
{
  (void)signum;
  return 0;
}

int32_t
mood_signal_unguard (int32_t signum)
{
  (void)signum;
  return 0;
}

int32_t
mood_signal_guard (int32_t signum)
{
  if (!is_watched (signum))
    return -1;

  mood_feed_signal (signum);
  return 0;
}

/* There are no signals that are sent to a thread. */
int32_t
mood_signal_raise (int32_t signum)
{
  mood_feed_signal (signum);
  return 1;
}

/* -- for the other files ------------------------------------------------------------------------------------------- */

void
mood_signal_renew (int signum)
{
  (void)signum;
}

int
mood_signal_is_handled (int signum)
{
  return is_watched (signum);
}

int
mood_signal_is_blocked (int signum)
{
  (void)signum;
  return 0;
}
