/* Children on Windows. There are no zombies, and a child is not reaped. A handle of a process tells its exit code, and while a handle is
 * open, no other process gets the pid. So each watcher has a handle of its own, from mood_child_set or mood_child_process on. While the
 * watcher is active, a thread of the system waits for the process and then feeds SIGCHLD. libev then asks mood_hook_waitpid. */
#include <winsock2.h>
#include <windows.h>

#include "../libev.h"

#include <errno.h>
#include <string.h>

typedef mood_child child;

/* libev keeps the watchers in lists by pid. Both functions run on the default loop's thread. */
static void
visit_all (void (*visit) (child *))
{
  int chain;

  for (chain = mood_ev_child_chains (); chain--;)
    {
      child *w, *next;

      for (w = (child *)mood_ev_child_head (chain); w; w = next)
        {
          next = (child *)w->ev.next;
          visit (w);
        }
    }
}

/* Reports the end of a watcher's process to this watcher only. libev's own child_reap would report it to every watcher of the pid. */
static void
report (child *w)
{
  DWORD code = 0;

  if (w->ended || !__atomic_load_n (&w->over, __ATOMIC_SEQ_CST))
    return;

  w->ended = 1;
  w->gone = !w->handle || !GetExitCodeProcess (w->handle, &code);
  w->ev.rpid = w->ev.pid;
  w->ev.rstatus = (int)(code & 0xff) << 8; /* as waitpid encodes it */
  ev_feed_event (w->ev.owner->ev, w, EV_CHILD);
}

int
mood_hook_waitpid (int *status, int options)
{
  (void)status;
  (void)options;
  visit_all (report);
  errno = 0;
  return 0;
}

/* -- the process --------------------------------------------------------------------------------------------------- */

/* On a thread of the system. `stop_waiting` waits until this function has returned, so the watcher is alive. */
static void CALLBACK
process_ended (void *watcher, BOOLEAN timed_out)
{
  (void)timed_out;
  __atomic_store_n (&((child *)watcher)->over, 1, __ATOMIC_SEQ_CST);
  mood_feed_signal (SIGCHLD);
}

static void
stop_waiting (child *w)
{
  if (w->wait)
    UnregisterWaitEx (w->wait, INVALID_HANDLE_VALUE);

  w->wait = 0;
}

/* Stores a handle and closes the previous one. If the handle is null, stores the error of the call that should have opened it. */
static void
take (child *w, HANDLE handle)
{
  w->error = handle ? 0 : GetLastError ();

  if (w->handle)
    CloseHandle (w->handle);

  w->handle = handle;
}

void
mood_child_set (mood_watcher *watcher, int32_t pid, int32_t trace, int32_t keep)
{
  child *w = (child *)watcher;

  ev_child_set (&w->ev, pid, trace);
  w->ev.rpid = w->ev.rstatus = 0;
  w->keep = keep;
  take (w, OpenProcess (SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION, FALSE, (DWORD)pid));
}

int32_t
mood_child_process (mood_watcher *watcher, int64_t process)
{
  HANDLE copy, self = GetCurrentProcess ();

  if (!DuplicateHandle (self, (HANDLE)(intptr_t)process, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS))
    return GetLastError () == ERROR_ACCESS_DENIED ? -EACCES : -EBADF;

  take ((child *)watcher, copy);
  return 0;
}

void
mood_child_free (ev_child *w)
{
  stop_waiting ((child *)w);

  if (((child *)w)->handle)
    CloseHandle (((child *)w)->handle);
}

/* -- the watcher --------------------------------------------------------------------------------------------------- */

void
mood_child_init (ev_child *w)
{
  ev_set_priority (w, EV_MAXPRI);
}

/* A process that does not exist now is reported as ended, and its status is lost. */
int
mood_child_start (ev_child *watcher)
{
  child *w = (child *)watcher;

  if (ev_is_active (watcher))
    return 0;

  if (!watcher->pid)
    return -ENOSYS;

  if (!w->handle && w->error == ERROR_ACCESS_DENIED)
    return -EACCES;

  w->ended = w->gone = 0;
  __atomic_store_n (&w->over, !w->handle, __ATOMIC_SEQ_CST);
  ev_child_start (watcher->owner->ev, watcher);

  if (w->handle
      && !RegisterWaitForSingleObject (&w->wait, w->handle, process_ended, w, INFINITE,
                                       WT_EXECUTEONLYONCE | WT_EXECUTEINWAITTHREAD))
    {
      w->wait = 0;
      ev_child_stop (watcher->owner->ev, watcher);
      return -ENOMEM;
    }

  if (!w->handle)
    mood_ev_child_wake (watcher->owner->ev);

  return 0;
}

void
mood_child_stop (ev_child *w)
{
  stop_waiting ((child *)w);
  ev_child_stop (w->owner->ev, w);
}

void
mood_child_status (mood_watcher *w, int32_t *rpid, int32_t *rstatus)
{
  *rpid = ((ev_child *)w)->rpid;
  *rstatus = ((child *)w)->gone ? -1 : ((ev_child *)w)->rstatus;
}

static int
has_ended (child *w)
{
  return !w->handle || WaitForSingleObject (w->handle, 0) == WAIT_OBJECT_0;
}

/* The exit code comes from the handle, so the watcher need not be active. */
int32_t
mood_child_code (mood_watcher *watcher, int32_t *code)
{
  child *w = (child *)watcher;
  DWORD number = 0;
  int known = w->handle && has_ended (w) && GetExitCodeProcess (w->handle, &number);

  *code = (int32_t)number;
  return known;
}

/* Windows can end another process, but cannot send it signals. The exit code is that of Process.Kill. */
void
mood_child_over (mood_watcher *w)
{
  (void)w; /* the watcher has a handle of its process */
}

int32_t
mood_child_kill (mood_watcher *watcher, int32_t signum)
{
  child *w = (child *)watcher;
  HANDLE process;
  int killed;

  if (has_ended (w))
    return 1;

  if (signum != SIGKILL)
    return signum ? -ENOSYS : 0;

  /* our handle is open, so no other process has this pid */
  process = OpenProcess (PROCESS_TERMINATE, FALSE, GetProcessId (w->handle));
  killed = process && TerminateProcess (process, (UINT)-1);

  if (process)
    CloseHandle (process);

  return killed ? 0 : has_ended (w) ? 1 : -EACCES;
}

/* -- what only POSIX has ------------------------------------------------------------------------------------------- */

void
mood_child_open (mood_loop *l)
{
  (void)l;
}

void
mood_child_forget (void)
{
}

void
mood_child_reset (mood_loop *l)
{
  (void)l;
}

void
mood_child_settle (mood_watcher *io)
{
  (void)io; /* there are no pidfds */
}

void
mood_child_embed (mood_loop *l)
{
  (void)l;
}

int32_t
mood_child_passed (int32_t done)
{
  (void)done;
  return 0;
}

int32_t
mood_pidfd_open (int32_t pid)
{
  (void)pid;
  return -1;
}

void
mood_pidfd_close (int32_t fd)
{
  (void)fd;
}

int32_t
mood_pidfd_end (int32_t fd, int32_t pid, int32_t *status)
{
  (void)fd;
  (void)pid;
  *status = -1;
  return -ENOSYS;
}

void
mood_pidfd_reap (int32_t fd, int32_t pid)
{
  (void)fd;
  (void)pid;
}
