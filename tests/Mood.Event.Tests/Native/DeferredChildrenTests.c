/* libev reports children in rounds: one child per call of its watcher of SIGCHLD. Here the callback of the first child halts the loop, as a
 * fatal exception does, and the next iteration calls no watcher, as Loop.Callback may decide. Meanwhile another child ends. */
#include "libev.h"
#include "host.h"
#include "testing.h"
#include <signal.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static mood_loop *loop;
static int deferred, halts, ends [2], stops;
static pid_t pids [2];

static void
event (void *data, mood_watcher *w, int32_t revents)
{
  int rpid, rstatus;

  (void)data;
  CHECK (revents & EV_CHILD);
  mood_child_status (w, &rpid, &rstatus);

  if (WIFSTOPPED (rstatus))
    ++stops;
  else
    ++ends [rpid == pids [1]];

  if (halts)
    mood_loop_halt (loop);

  halts = 0;
}

static void
pending_or_not (void *data)
{
  if (!deferred)
    pending (data);
}

static const mood_callbacks callbacks = { event, pending_or_not, no_wake, 0, 0, 0 };

static void
await (pid_t pid, int options)
{
  siginfo_t info;

  CHECK (!waitid (P_PID, (id_t)pid, &info, options | WNOWAIT));
}

static void
run_until (const int *count)
{
  int n;

  for (n = 0; !*count && n < 1000; ++n)
    {
      mood_loop_run (loop, EVRUN_NOWAIT);
      mood_sleep (0.001);
    }

  CHECK (*count == 1);
}

/* trace: the second child is stopped when the first one ends, and is killed while the report of its stop is deferred. */
static void
children (int trace, int lacking)
{
  mood_watcher *w;
  int i;

  mood_lacks (lacking);
  deferred = ends [0] = ends [1] = stops = 0;
  CHECK (!mood_loop_new (EVFLAG_NOENV, 1, &callbacks, &loop, &loop));
  CHECK (w = mood_watcher_new (loop, MOOD_CHILD, 1));
  mood_child_set (w, 0, trace, 0);
  CHECK (!mood_watcher_start (w));

  for (i = 0; i < 2; ++i)
    {
      if (!(pids [i] = fork ()))
        for (prctl (PR_SET_PDEATHSIG, SIGKILL);;) /* if a check fails */
          pause ();

      if (trace) /* the children become known in this order */
        {
          mood_feed_signal (SIGCHLD);
          mood_loop_run (loop, EVRUN_NOWAIT);
        }
    }

  if (trace)
    {
      kill (pids [0], SIGSTOP);
      await (pids [0], WSTOPPED);
    }

  halts = 1;
  kill (pids [1], SIGKILL);
  await (pids [1], WEXITED);
  run_until (ends + 1);
  CHECK (!stops);

  kill (pids [0], SIGKILL);
  await (pids [0], WEXITED);
  deferred = 1;
  mood_loop_run (loop, EVRUN_NOWAIT);
  deferred = 0;
  run_until (ends);
  CHECK (stops == trace && ends [1] == 1);

  mood_watcher_stop (w);
  mood_watcher_free (w);
  mood_loop_close (loop);
  mood_loop_release (loop);
}

int
main (void)
{
  CHECK (!mood_initialize (MOOD_SIGNALS_NATIVE));
  children (0, 0);
  children (0, MOOD_PIDFD);
  children (1, 0);
  children (1, MOOD_PIDFD);
  puts ("done");
  return 0;
}
