/* A host that cannot look for its own children: the end of a child is reported, but the child is not reaped yet. The next default loop
 * needs no child watcher: it asks the host again and reaps the child. And a host that does not answer, while the loop becomes embedded. */
#include "libev.h"
#include "host.h"
#include <signal.h>
#include <unistd.h>
#include <sys/wait.h>

enum { CHILD = 1, EMBED, LIMIT }; /* the numbers of the watchers */

static int seen, asked, able, silent, late;
static mood_loop *inner;

static void
event (void *data, mood_watcher *w, int32_t revents)
{
  int rpid, rstatus;

  (void)data;
  late |= ((mood_watcher_head *)w)->id == LIMIT;

  if (((mood_watcher_head *)w)->id == EMBED)
    mood_loop_run (inner, EVRUN_NOWAIT);

  if (((mood_watcher_head *)w)->id != CHILD)
    return;

  CHECK (revents & EV_CHILD);
  mood_child_status (w, &rpid, &rstatus);
  CHECK (rstatus == 7 << 8);
  ++seen;
}

static int32_t
reap (void *data)
{
  CHECK (*(mood_loop **)data); /* the loop that asks */
  ++asked;

  if (silent)
    return 0;

  if (!able)
    return -1;

  mood_child_passed (1);
  return 0;
}

static const mood_callbacks callbacks = { event, pending, no_wake, 0, 0, reap };

static void
host_handler (int signum)
{
  (void)signum;
}

static int
is_zombie (pid_t pid)
{
  siginfo_t info;
  info.si_pid = 0;
  return !waitid (P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid == pid;
}

/* The loop becomes embedded while the end of a child waits for the host's answer. Before that, a timer limits the wait. The timers of an
 * embedded loop do not run. */
static void
embedded (void)
{
  mood_loop *outer;
  mood_watcher *w, *embed, *limit;
  pid_t pid;
  int n;

  silent = 1;
  seen = asked = 0;

  if (!(pid = fork ()))
    _exit (7);

  CHECK (!mood_loop_new (EVFLAG_NOENV | EVBACKEND_EPOLL, 1, &callbacks, &inner, &inner));
  CHECK (!mood_loop_new (EVFLAG_NOENV, 0, &callbacks, &outer, &outer));
  CHECK (w = mood_watcher_new (inner, MOOD_CHILD, CHILD));
  mood_child_set (w, pid, 0, 0);
  CHECK (!mood_watcher_start (w));

  for (n = 0; !asked && n < 5000; ++n)
    {
      mood_loop_run (inner, EVRUN_NOWAIT);
      mood_sleep (0.001);
    }

  CHECK (asked && !seen);
  CHECK (embed = mood_watcher_new (outer, MOOD_EMBED, EMBED));
  mood_embed_set (embed, inner);
  CHECK (!mood_watcher_start (embed));
  CHECK (limit = mood_watcher_new (outer, MOOD_TIMER, LIMIT));
  mood_timer_set (limit, 5., 0.);
  CHECK (!mood_watcher_start (limit));

  while (!seen && !late)
    mood_loop_run (outer, EVRUN_ONCE);

  CHECK (seen == 1);
  mood_watcher_stop (embed);
  mood_watcher_free (embed);
  mood_watcher_stop (limit);
  mood_watcher_free (limit);
  mood_watcher_stop (w);
  mood_watcher_free (w);
  mood_loop_close (outer);
  mood_loop_release (outer);
  mood_loop_close (inner);
  mood_loop_release (inner);
}

int
main (void)
{
  mood_loop *loop, *next;
  mood_watcher *w;
  pid_t pid;
  int n;

  CHECK (!mood_initialize (MOOD_SIGNALS_HOST));
  signal (SIGCHLD, host_handler);

  if (!(pid = fork ()))
    _exit (7);

  CHECK (!mood_loop_new (EVFLAG_NOENV, 1, &callbacks, &loop, &loop));
  CHECK (w = mood_watcher_new (loop, MOOD_CHILD, CHILD));
  mood_child_set (w, pid, 0, 0);
  CHECK (!mood_watcher_start (w));

  for (n = 0; !seen && n < 5000; ++n)
    {
      mood_loop_run (loop, EVRUN_NOWAIT);
      mood_sleep (0.001);
    }

  CHECK (seen == 1 && asked && is_zombie (pid));
  mood_watcher_stop (w);
  mood_watcher_free (w);
  mood_loop_close (loop);
  mood_loop_release (loop);

  able = 1;
  CHECK (!mood_loop_new (EVFLAG_NOENV, 1, &callbacks, &next, &next));
  mood_feed_signal (SIGCHLD);
  mood_loop_run (next, EVRUN_NOWAIT);
  mood_loop_run (next, EVRUN_NOWAIT);
  CHECK (seen == 1 && !is_zombie (pid));
  mood_loop_close (next);
  mood_loop_release (next);
  embedded ();
  puts ("done");
  return 0;
}
