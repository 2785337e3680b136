/* Children without stealing them.
 *
 * libev asks waitpid(-1) for the next child that changed; this file answers. It only looks (WNOWAIT) at the children
 * that are watched: one pid each, or for a pid 0 watcher every child of the process. A child that ended may belong to
 * the host's own Process class, which aborts the process when somebody else reaps it. So it is reaped, and reported,
 * only after a barrier:
 *
 *   look: it is a zombie       remember pid and status, epoch E
 *   barrier up to E            raise SIGCHLD, then the barrier signal (barrier.c), both at this very thread, so that the
 *                              host's queue holds them in this order behind the zombie's end
 *   host's SIGCHLD handling    reaps what is the host's; it cannot miss a child that was a zombie before
 *   host's barrier handler     calls mood_barrier_handled: up to E, what is still a zombie is nobody else's
 *   here again                 reap it (or find it reaped) and report it
 *
 * A child watched on behalf of the host (keep) is reported when it is seen and never reaped.
 */
#include "libev.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#if __APPLE__
# include <libproc.h>
#else
# include <dirent.h>
#endif

typedef mood_child child;

enum { ALIVE, CHANGED, ENDED, GONE }; /* CHANGED: stopped or continued. GONE: somebody else reaped it */

typedef struct
{
  pid_t pid;
  int state;
  int status;
  int epoch;
} known;

/* used on the default loop's thread only */
static known *table;
static int count, capacity, scanned, epoch;

/* the barrier that is under way (0: none) with its ticket, and the last one that passed: epochs */
static int barrier, ticket, passed;

static int
for_each_watcher (int (*visit) (child *, pid_t), pid_t pid)
{
  int chain, found = 0;

  for (chain = mood_ev_child_chains (); chain--; )
    {
      child *w;

      for (w = (child *)mood_ev_child_head (chain); w; w = (child *)w->ev.next)
        found |= visit (w, pid);
    }

  return found;
}

/* -- the table ----------------------------------------------------------------------------------------------------- */

static known *
find (pid_t pid)
{
  int i;

  for (i = 0; i < count; ++i)
    if (table [i].pid == pid)
      return table + i;

  return 0;
}

static known *
remember (pid_t pid)
{
  known *k = find (pid);

  if (k)
    return k;

  if (count == capacity)
    {
      int larger = capacity ? capacity * 2 : 64;
      known *grown = realloc (table, (size_t)larger * sizeof *table);

      if (!grown)
        return 0; /* seen again at the next SIGCHLD */

      table = grown;
      capacity = larger;
    }

  k = table + count++;
  memset (k, 0, sizeof *k);
  k->pid = pid;
  return k;
}

static void
forget (known *k)
{
  *k = table [--count];
}

/* -- looking ------------------------------------------------------------------------------------------------------- */

/* the wait status that waitpid would have given */
static int
status_of (const siginfo_t *info)
{
  switch (info->si_code)
    {
      case CLD_EXITED:    return (info->si_status & 0xff) << 8;
      case CLD_KILLED:    return info->si_status & 0x7f;
      case CLD_DUMPED:    return (info->si_status & 0x7f) | 0x80;
      case CLD_CONTINUED: return 0xffff;
      default:            return (info->si_status & 0xff) << 8 | 0x7f; /* stopped, trapped */
    }
}

/* 1: info is filled, 0: nothing new, -1: not our child, or not any more */
static int
look (pid_t pid, siginfo_t *info, int options)
{
  int result;

  memset (info, 0, sizeof *info);

  do
    result = waitid (P_PID, (id_t)pid, info, options | WNOHANG);
  while (result < 0 && errno == EINTR);

  return result < 0 ? -1 : info->si_pid == pid;
}

static void
examine (pid_t pid, int traced)
{
  siginfo_t info;
  known *k = find (pid);
  int result;

  if (k && k->state != ALIVE)
    return;

  if ((result = look (pid, &info, WEXITED | WNOWAIT)))
    {
      if ((k = remember (pid)))
        {
          k->state = result < 0 ? GONE : ENDED;
          k->status = result < 0 ? 0 : status_of (&info);
          k->epoch = epoch;
        }
    }
  else if (traced && look (pid, &info, WSTOPPED | WCONTINUED) > 0 && (k = remember (pid)))
    {
      k->state = CHANGED;
      k->status = status_of (&info);
    }
}

static int
watches_any (child *w, pid_t pid)
{
  (void)pid;
  return !w->ev.pid;
}

static int
traces (child *w, pid_t pid)
{
  return (w->ev.pid == pid || !w->ev.pid) && w->ev.flags & 1;
}

/* somebody wants its end, and wants it reaped */
static int
reaps (child *w, pid_t pid)
{
  return !w->ev.pid || (w->ev.pid == pid && !w->keep && !w->ended);
}

static int
examine_watched (child *w, pid_t pid)
{
  (void)pid;

  if (w->ev.pid && !w->ended)
    examine (w->ev.pid, for_each_watcher (traces, w->ev.pid));

  return 0;
}

/* -- every child of this process, for pid 0 ------------------------------------------------------------------------ */

static void
examine_stranger (pid_t pid)
{
  if (remember (pid))
    examine (pid, for_each_watcher (traces, pid));
}

#if __APPLE__

static void
examine_all (void)
{
  pid_t pids [4096];
  int n = proc_listchildpids (getpid (), pids, sizeof pids);

  while (n-- > 0)
    examine_stranger (pids [n]);
}

#else

/* the parent named in /proc/PID/stat, which is behind the last parenthesis: a command's name may hold anything */
static pid_t
parent_of (const char *pid)
{
  char path [64], text [512], *end;
  FILE *file;
  size_t size;
  int parent = 0;

  snprintf (path, sizeof path, "/proc/%s/stat", pid);

  if (!(file = fopen (path, "re")))
    return 0;

  size = fread (text, 1, sizeof text - 1, file);
  fclose (file);
  text [size] = 0;

  if ((end = strrchr (text, ')')) && sscanf (end, ") %*c %d", &parent) != 1)
    parent = 0;

  return parent;
}

static void
examine_all (void)
{
  DIR *proc = opendir ("/proc");
  struct dirent *entry;
  pid_t self = getpid ();

  if (!proc)
    return;

  while ((entry = readdir (proc)))
    if (entry->d_name [0] >= '1' && entry->d_name [0] <= '9' && parent_of (entry->d_name) == self)
      examine_stranger (atoi (entry->d_name));

  closedir (proc);
}

#endif

static void
examine_known (void)
{
  int i;

  for (i = count; i--; )
    if (table [i].state == ALIVE)
      examine (table [i].pid, for_each_watcher (traces, table [i].pid));
}

/* -- reaping and reporting ----------------------------------------------------------------------------------------- */

static void
start_barrier (void)
{
  int i, wanted = 0;

  for (i = 0; i < count; ++i)
    if (table [i].state == ENDED && table [i].epoch > __atomic_load_n (&passed, __ATOMIC_ACQUIRE))
      wanted = 1;

  if (!wanted || __atomic_load_n (&barrier, __ATOMIC_ACQUIRE))
    return;

  pthread_kill (pthread_self (), SIGCHLD); /* nobody blocks it: the host has it before this returns */
  __atomic_store_n (&ticket, mood_barrier_raise (), __ATOMIC_SEQ_CST);
  __atomic_store_n (&barrier, epoch++, __ATOMIC_SEQ_CST);
  mood_child_passed (); /* or its handler was faster */
}

/* any thread: has the barrier that is under way passed? */
void
mood_child_passed (void)
{
  int e = __atomic_load_n (&barrier, __ATOMIC_SEQ_CST);

  if (!e || !mood_barrier_passed (__atomic_load_n (&ticket, __ATOMIC_SEQ_CST))
      || !__atomic_compare_exchange_n (&barrier, &e, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    return;

  __atomic_store_n (&passed, e, __ATOMIC_SEQ_CST);
  mood_feed_signal (SIGCHLD);
}

static int
mark_ended (child *w, pid_t pid)
{
  if (w->ev.pid == pid)
    w->ended = 1;

  return 0;
}

static int
mark_gone (child *w, pid_t pid)
{
  if (w->ev.pid == pid || !w->ev.pid)
    w->gone = 1;

  return 0;
}

static int
mark_known (child *w, pid_t pid)
{
  if (w->ev.pid == pid || !w->ev.pid)
    w->gone = 0;

  return 0;
}

static void
scan (void)
{
  for_each_watcher (examine_watched, 0);

  if (for_each_watcher (watches_any, 0))
    {
      examine_known ();
      examine_all ();
    }

  start_barrier ();
}

/* 1: it can be reported now, and is reaped if it is to be */
static int
settle (known *k)
{
  int status;

  if (k->state == ALIVE)
    return 0;

  if (k->state == ENDED && for_each_watcher (reaps, k->pid))
    {
      if (k->epoch > __atomic_load_n (&passed, __ATOMIC_ACQUIRE))
        return 0;

      while (waitpid (k->pid, &status, WNOHANG) < 0 && errno == EINTR)
        ;
    }

  return 1;
}

/* in place of waitpid(-1): libev asks until the answer is 0 */
pid_t
mood_hook_waitpid (int *status, int options)
{
  int i;

  (void)options;

  if (!scanned)
    {
      scanned = 1;
      scan ();
    }

  for (i = 0; i < count; ++i)
    if (settle (table + i))
      {
        pid_t pid = table [i].pid;
        int changed = table [i].state == CHANGED;

        *status = table [i].status;
        for_each_watcher (table [i].state == GONE ? mark_gone : mark_known, pid);

        if (changed)
          table [i].state = ALIVE;
        else
          {
            for_each_watcher (mark_ended, pid);
            forget (table + i);
          }

        return pid;
      }

  scanned = 0;

  if (!for_each_watcher (watches_any, 0))
    for (i = count; i--; ) /* living children are only kept for pid 0 */
      if (table [i].state == ALIVE)
        forget (table + i);

  errno = 0;
  return 0;
}

/* -- the watcher --------------------------------------------------------------------------------------------------- */

/* the default loop is made anew: what the one before knew was its own */
void
mood_child_forget (void)
{
  scanned = count = 0;
}

void
mood_child_init (ev_child *w)
{
  ev_set_priority (w, EV_MAXPRI); /* libev insists: see child_reap */
}

int
mood_child_start (ev_child *w)
{
  child *c = (child *)w;

  if (ev_is_active (w))
    return 0;

  c->ended = c->gone = 0;

  if (!epoch)
    epoch = 1;

  ev_child_start (w->owner->ev, w);
  mood_signal_renew (SIGCHLD);

  if (!w->pid)
    examine_all (); /* who lives now can be missed later */

  mood_feed_signal (SIGCHLD); /* it may have ended before */
  return 0;
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
