/* The table of watched children, and their watchers in libev's lists. The default loop's thread alone uses it. */
#include "child.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/wait.h>

known *mood_known;
mood_loop *mood_child_home;

static double
monotonic (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + now.tv_nsec * 1e-9;
}

/* -- the watchers ------------------------------------------------------------------------------------------------- */

static int
visit_chain (int chain, int (*visit) (child *, pid_t), pid_t pid)
{
  int found = 0;
  child *w;

  for (w = (child *)mood_ev_child_head (chain); w; w = (child *)w->ev.next)
    found |= visit (w, pid);

  return found;
}

/* Calls `visit` for the watchers of the pid and for those of pid 0. Returns whether any call returned 1. */
int
mood_child_visit (int (*visit) (child *, pid_t), pid_t pid)
{
  int chain = pid & (mood_ev_child_chains () - 1);

  return visit_chain (chain, visit, pid) | (chain ? visit_chain (0, visit, pid) : 0);
}

int
mood_child_watches_any (child *w, pid_t pid)
{
  (void)pid;
  return !w->ev.pid;
}

int
mood_child_watches (child *w, pid_t pid)
{
  return w->ev.pid == pid || !w->ev.pid;
}

int
mood_child_traces (child *w, pid_t pid)
{
  return mood_child_watches (w, pid) && w->ev.flags & 1;
}

/* Whether the watcher wants the child to be reaped. */
int
mood_child_reaps (child *w, pid_t pid)
{
  return mood_child_watches (w, pid) && !w->keep;
}

/* -- the table ----------------------------------------------------------------------------------------------------- */

void
mood_child_wake (void)
{
  mood_ev_child_wake (mood_child_home->ev);
}

/* Whether the deadline has passed. The first call sets the deadline. */
static int
is_over (known *k)
{
  if (!k->deadline)
    k->deadline = monotonic () + TICK * TICKS;

  return monotonic () >= k->deadline;
}

static void watch (known *k);

/* The io does not keep the loop alive: while it is active, it has given up its reference. libev has stopped it if another part of the process
 * has closed the pidfd. */
static void
settle (known *k)
{
  int background = !!ev_is_active (&k->io);

  if (background == k->io.background)
    return;

  k->io.background = (int8_t)background;

  if (background)
    ev_unref (mood_child_home->ev);
  else
    ev_ref (mood_child_home->ev);
}

/* Called before the walk of the pending events is deferred. */
void
mood_child_settle (mood_watcher *io)
{
  settle ((known *)io);
}

static void
unwatch (known *k)
{
  ev_io_stop (mood_child_home->ev, &k->io); /* it may be pending and not active */
  settle (k);
}

/* Another part of the process has closed the pidfd. If there is no new one, the child may have ended unseen. */
static void
watch_again (known *k)
{
  unwatch (k);
  k->fd = -1;

  if (k->state == ALIVE)
    watch (k);

  mood_known_examine (k); /* another process may have the pid by now, and the new pidfd */

  if (k->fd < 0 || k->state != ALIVE)
    mood_child_wake ();
}

/* The pidfd is readable: the child has ended. If the end is not clear yet (another thread is reaping the child, a debugger holds
 * it), this asks again in the next iteration, until the deadline. After that the ticker in child.c asks. */
static void
readable (struct ev_loop *ev, ev_io *io, int revents)
{
  known *k = (known *)io;

  (void)ev;

  /* Another part of the process has closed the pidfd, and the number may belong to another file by now. */
  if (revents & EV_ERROR || !mood_pidfd_own (k->fd))
    {
      watch_again (k);
      return;
    }

  mood_known_examine (k);

  if (k->state <= CHANGED && !is_over (k))
    return;

  k->held = k->state <= CHANGED;
  unwatch (k);
  mood_child_wake ();
}

known *
mood_known_find (pid_t pid)
{
  known *k = mood_known;

  while (k && k->pid != pid)
    k = k->next;

  return k;
}

static void
watch (known *k)
{
  known *other;

  k->fd = mood_pidfd_open (k->pid);

  if (k->fd < 0)
    return;

  /* If another entry holds the number that the kernel gave, another part of the process has closed that entry's pidfd. */
  mood_reaping_lose (k->fd);

  for (other = mood_known; other; other = other->next)
    if (other != k && other->fd == k->fd)
      watch_again (other);

  ev_io_init (&k->io, readable, k->fd, EV_READ);
  ev_set_priority (&k->io, EV_MAXPRI);
  k->io.kind = MOOD_CHILD; /* so that mood_ev_settle_pending and refuse (both in libev/) know it */
  ev_io_start (mood_child_home->ev, &k->io);
  settle (k);
}

/* null: out of memory. A later SIGCHLD tries again. */
known *
mood_known_remember (pid_t pid)
{
  known *k = mood_known_find (pid);

  if (k || !(k = calloc (1, sizeof *k)))
    return k;

  k->pid = pid;
  k->next = mood_known;
  mood_known = k;
  watch (k);
  return k;
}

/* Removes the entry from the table. The caller gets its pidfd. */
int
mood_known_release (known *k)
{
  known **link = &mood_known;
  int fd = k->fd;

  while (*link != k)
    link = &(*link)->next;

  *link = k->next;

  unwatch (k);
  free (k);
  return fd;
}

void
mood_known_forget (known *k)
{
  mood_pidfd_close (mood_known_release (k));
}

/* -- looking ------------------------------------------------------------------------------------------------------- */

/* Clears the status, because it may be that of an earlier stop. Otherwise libev would report the end as a stop, and only to watchers with
 * trace. */
static void
lose (known *k)
{
  k->state = GONE;
  k->status = 0;
}

void
mood_known_examine (known *k)
{
  siginfo_t info;
  int status;

  if (k->state != ALIVE)
    return;

  switch (mood_pidfd_end (k->fd, k->pid, &status))
    {
      case END_ZOMBIE:
        k->state = ENDED;
        k->status = status;
        k->epoch = mood_reaping_epoch ();
        break;

      case END_GONE:
        lose (k);

        if (status != -1)
          {
            k->state = REAPED;
            k->status = status;
          }

        break;

      case END_REAPING:
        if (is_over (k))
          lose (k);

        break;

      default:
        if (mood_child_visit (mood_child_traces, k->pid) && mood_pidfd_look (k->fd, k->pid, &info, WSTOPPED | WCONTINUED) > 0)
          {
            k->state = CHANGED;
            k->status = mood_pidfd_wait_status (&info);
          }
    }
}

/* A child that only the watchers of pid 0 watch. */
void
mood_known_discover (pid_t pid)
{
  known *k;

  if (!mood_reaping_owes (pid) && (k = mood_known_remember (pid)))
    mood_known_examine (k);
}

/* After a reset: a daemon may have closed the pidfds, and other files may have their numbers. */
void
mood_known_renew (void)
{
  known *k;

  for (k = mood_known; k; k = k->next)
    if (k->fd >= 0 && !mood_pidfd_own (k->fd))
      watch_again (k);
}

/* The default loop is closed or made again. */
void
mood_known_clear (void)
{
  while (mood_known)
    {
      known *k = mood_known;

      mood_known = k->next;
      mood_pidfd_close (k->fd);
      free (k);
    }
}
