/* Children: the loop notices the end of a child without the host's threads, and never reaps a child of the host.
 *
 * Linux 5.4 and later: a watched child has a pidfd, which becomes readable when the child ends. Older kernels and macOS:
 * SIGCHLD makes the loop look at each watched child. On all systems, SIGCHLD makes the loop look for stops, continues and the
 * children of a pid 0 watcher.
 *
 * libev's child watcher asks waitpid(-1) for the next child that changed. mood_hook_waitpid answers from a table with one
 * entry per watched child:
 *
 *   ALIVE     --look-->  CHANGED   it stopped or continued. Reported, then ALIVE again
 *             --look-->  ENDED     a zombie: its status is known, and it has to be reaped
 *             --look-->  REAPED    another part of the process has reaped it, and the kernel still knows the status (Linux 6.15)
 *             --look-->  GONE      another part of the process has reaped it, and the status is lost; or it never was a child
 *   ENDED, REAPED, GONE  reported once, then the entry is removed
 *
 * The host's own Process class aborts the process when one of its children is reaped here. A pid does not tell whose child
 * it is. So an ENDED child is reaped only after the host has looked for its own:
 *
 *   look: it is a zombie       the entry gets the current epoch
 *   mood_callbacks.reap        asks the host to look through all of its children, beginning now
 *   mood_child_passed          the host has done so: a zombie of that epoch that is left does not belong to the host
 *   the next look              it is reaped (or found reaped), then reported
 *
 * The host answers on its thread pool, which may have no free thread. After TICKS ticks of TICK seconds the end is reported,
 * and the child is reaped later, when the answer comes. Ticks are counted, not time, because a machine that delays this thread
 * delays the pool too. On a manual clock and in an embedded loop no tick comes, so the end is reported at once. A child watched on
 * behalf of the host (keep) is never reaped here, and its report is never delayed.
 *
 * The other files of children: known.c has the table, pidfd.c asks the kernel about one child and reaps it, processes.c lists the
 * children of a pid 0 watcher, and reaping.c asks the host, and decides when a child that is reported already is reaped.
 */
#include "child.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>

/* This bit is set in a watcher's pid after the end of its child was reported. The pid is then negative and matches no process, so the
 * watcher gets no events of a later child with the same number. The lowest bits of the pid, by which libev finds its list of
 * watchers, stay the same. */
enum { PAST = INT_MIN };

/* Used on the default loop's thread only. libev calls mood_hook_waitpid in rounds. Each call reports one child, and a result of 0 ends
 * the round. After each call, libev finds the watchers of the reported child by their pid. So if the child has ended, the next call
 * sets PAST in their pids. */
static ev_timer ticker; /* internal: runs while an ENDED child waits for the host's answer, or a child is held (child.h) */
static int scanned;     /* this round has looked at the children; 0 again when the round ends */
static unsigned look;   /* ev_iteration at that look */
static pid_t reported;  /* the child whose end the previous call of this round reported, or 0 */

/* -- marks of the watchers ---------------------------------------------------------------------------------------------- */

static int
mark_gone (child *w, pid_t pid)
{
  if (mood_child_watches (w, pid))
    w->gone = 1;

  return 0;
}

static int
mark_known (child *w, pid_t pid)
{
  if (mood_child_watches (w, pid))
    w->gone = 0;

  return 0;
}

static int
mark_ended (child *w, pid_t pid)
{
  if (w->ev.pid == pid)
    w->ended = 1;

  return 0;
}

static int
mark_past (child *w, pid_t pid)
{
  if (w->ev.pid == pid && w->ended)
    w->ev.pid |= PAST;

  return 0;
}

/* -- a host that answers late ------------------------------------------------------------------------------------------- */

static void
tick (struct ev_loop *ev, ev_timer *timer, int revents)
{
  known *k;
  int waiting = 0, over = 0;

  (void)revents;

  for (k = mood_known; k; k = k->next)
    if (k->state == ENDED)
      {
        waiting = 1;
        over |= ++k->ticks >= TICKS;
      }
    else if (k->state == ALIVE && k->held) /* it has ended, but a debugger delays the notice: see child.h */
      {
        waiting = 1;

        if (++k->ticks % TICKS)
          continue;

        mood_known_examine (k);

        if (k->state != ALIVE)
          {
            k->ticks = 0;
            over = 1;
          }
      }

  if (!waiting)
    {
      ev_ref (ev);
      ev_timer_stop (ev, timer);
    }

  if (over)
    mood_child_wake ();
}

static void
start_ticker (void)
{
  /* A manual clock would show the ticker as a due time of the program. */
  if (ev_is_active (&ticker) || mood_child_home->manual == MANUAL_HOST)
    return;

  ev_timer_init (&ticker, tick, TICK, TICK);
  ev_set_priority (&ticker, EV_MAXPRI);
  ev_now_update (mood_child_home->ev);
  ev_timer_start (mood_child_home->ev, &ticker);
  ev_unref (mood_child_home->ev);
}

/* -- reporting ----------------------------------------------------------------------------------------------------- */

static void
scan (void)
{
  known *k, *next;
  int any = mood_child_visit (mood_child_watches_any, 0);

  for (k = mood_known; k; k = next)
    {
      next = k->next;

      /* a pidfd reports the end by itself */
      if (!ev_is_active (&k->io) || mood_child_visit (mood_child_traces, k->pid))
        mood_known_examine (k);
    }

  if (any)
    mood_processes_visit (mood_known_discover, mood_child_visit (mood_child_traces, 0));

  mood_reaping_ask ();
}

/* A child that the previous call has reported may have hidden others from the watchers of pid 0: see mood_processes_visit. */
static void
scan_further (void)
{
  if (mood_child_visit (mood_child_watches_any, 0)
      && mood_processes_visit_first (mood_known_discover, mood_child_visit (mood_child_traces, 0)))
    mood_reaping_ask ();
}

enum { NOT_YET, SETTLED, UNREAPED };

/* Whether the entry can be reported now. */
static int
settle (known *k)
{
  if (k->state == ALIVE)
    {
      if (k->held)
        start_ticker ();

      return NOT_YET;
    }

  if (k->state != ENDED || !mood_child_visit (mood_child_reaps, k->pid))
    return SETTLED;

  if (mood_reaping_passed (k->epoch))
    {
      mood_pidfd_reap (k->fd, k->pid);
      return SETTLED;
    }

  /* On a manual clock and in an embedded loop no tick comes. */
  if (k->ticks >= TICKS || mood_child_home->manual == MANUAL_HOST || mood_child_home->embedded)
    return UNREAPED;

  start_ticker ();
  return NOT_YET;
}

/* Replaces waitpid(-1). Reports one child, or returns 0 if there is none left to report. */
pid_t
mood_hook_waitpid (int *status, int options)
{
  known *k;

  (void)options;

  if (reported)
    mood_child_visit (mark_past, reported);

  reported = 0;

  /* A round may outlast a poll, because a halt or the host's callback has deferred the rest of it. If SIGCHLD comes meanwhile, libev reports
   * no second event, because the event of this round is still pending. So the round looks again. */
  if (!scanned || look != ev_iteration (mood_child_home->ev))
    {
      scanned = 1;
      look = ev_iteration (mood_child_home->ev);
      scan ();
    }
  else
    scan_further ();

  for (k = mood_known; k; k = k->next)
    {
      pid_t pid = k->pid;
      int settled = settle (k);

      if (!settled)
        continue;

      *status = k->status;
      mood_child_visit (k->state == GONE ? mark_gone : mark_known, pid);

      if (k->state == CHANGED)
        {
          /* It may have changed again, or ended, before this report. Then the next call reports that. */
          k->state = ALIVE;
          mood_known_examine (k);
          scanned = k->state == ALIVE;
        }
      else
        {
          reported = pid;
          mood_child_visit (mark_ended, pid);

          if (settled == UNREAPED)
            {
              int e = k->epoch;

              mood_reaping_owe (pid, mood_known_release (k), e);
            }
          else
            mood_known_forget (k);
        }

      return pid;
    }

  scanned = 0;
  errno = 0;
  return 0;
}

/* -- the watcher --------------------------------------------------------------------------------------------------- */

/* Called when the default loop is closed, and when a new one is made. The new loop takes over nothing from the table of the old one. */
void
mood_child_forget (void)
{
  mood_known_clear ();
  memset (&ticker, 0, sizeof ticker);
  reported = scanned = 0;
  mood_child_home = 0;
}

/* Called when the default loop is made. The loop must be known from now on, and not only from its first child watcher on, because
 * mood_reaping_ask asks the host through it for children that an earlier default loop has reported. */
void
mood_child_open (mood_loop *l)
{
  mood_child_home = l;
}

void
mood_child_reset (mood_loop *l)
{
  if (l == mood_child_home)
    mood_known_renew ();
}

/* Called when the loop is embedded. From now on no tick comes, so a child that waits for one is reported at once. */
void
mood_child_embed (mood_loop *l)
{
  mood_loop *outer = mood_enter (l);

  if (l == mood_child_home && ev_is_active (&ticker))
    mood_child_wake ();

  mood_leave (outer);
}

void
mood_child_init (ev_child *w)
{
  ev_set_priority (w, EV_MAXPRI); /* libev's child_reap requires it */
}

/* The table owns the pidfds, so there is nothing to free. On Windows the watcher owns the handle of its process. */
void
mood_child_free (ev_child *w)
{
  (void)w;
}

int
mood_child_start (ev_child *w)
{
  child *c = (child *)w;
  known *k = 0;

  if (ev_is_active (w))
    return 0;

  w->pid &= ~PAST;
  c->ended = c->gone = 0;

  if (w->pid && !(k = mood_known_remember (w->pid)))
    return -ENOMEM;

  if (k)
    mood_known_examine (k);

  /* Only SIGCHLD reports stops, unknown children, and the end of a child without a pidfd. */
  if (!k || w->flags & 1 || (k->fd < 0 && k->state == ALIVE))
    {
      int error = !mood_signal_is_handled (SIGCHLD) ? -ECHILD : mood_signal_is_blocked (SIGCHLD) ? -EACCES : 0;

      if (error)
        {
          if (k && !mood_child_visit (mood_child_watches, k->pid))
            mood_known_forget (k);

          return error;
        }
    }

  ev_child_start (w->owner->ev, w);
  mood_signal_renew (SIGCHLD);

  /* Pid 0: note the children that live now, so that their end is not missed later. */
  if (!k)
    mood_processes_visit (mood_known_discover, mood_child_visit (mood_child_traces, 0));

  mood_child_wake ();
  return 0;
}

void
mood_child_stop (ev_child *w)
{
  known *k, *next;

  if (!ev_is_active (w))
    {
      ev_child_stop (w->owner->ev, w); /* it may be pending */
      return;
    }

  ev_child_stop (w->owner->ev, w);

  for (k = mood_known; k; k = next)
    {
      next = k->next;

      if ((!w->pid || w->pid == k->pid) && !mood_child_visit (mood_child_watches, k->pid))
        mood_known_forget (k);
    }
}

void
mood_child_set (mood_watcher *w, int32_t pid, int32_t trace, int32_t keep)
{
  ev_child_set ((ev_child *)w, pid, trace);
  ((ev_child *)w)->rpid = ((ev_child *)w)->rstatus = 0;
  ((child *)w)->keep = keep;
}

void
mood_child_status (mood_watcher *w, int32_t *rpid, int32_t *rstatus)
{
  *rpid = ((ev_child *)w)->rpid;
  *rstatus = ((child *)w)->gone ? -1 : ((ev_child *)w)->rstatus;
}

int32_t
mood_child_code (mood_watcher *w, int32_t *code)
{
  ev_child *c = (ev_child *)w;

  *code = WEXITSTATUS (c->rstatus);
  return c->rpid && !((child *)w)->gone && WIFEXITED (c->rstatus);
}

int32_t
mood_child_process (mood_watcher *w, int64_t process)
{
  (void)w;
  (void)process;
  return -ENOSYS;
}

/* The watcher watches no process, and reports that its child has ended and that the status is lost. */
void
mood_child_over (mood_watcher *w)
{
  child *c = (child *)w;
  mood_loop *outer = mood_enter (w->owner);
  pid_t pid = c->ev.pid;

  mood_watcher_stop (w);
  c->ev.pid = pid | PAST;
  c->ev.rpid = pid;
  c->ended = c->gone = 1;
  ev_child_start (w->owner->ev, &c->ev);
  mood_watcher_settle (w);
  ev_feed_event (w->owner->ev, w, EV_CHILD);
  mood_leave (outer);
}

int32_t
mood_child_kill (mood_watcher *w, int32_t signum)
{
  child *c = (child *)w;
  known *k = c->ev.pid & PAST ? 0 : mood_known_find (c->ev.pid);

  return k && k->state <= CHANGED ? mood_pidfd_kill (k->fd, k->pid, signum, c->keep) : 1;
}
