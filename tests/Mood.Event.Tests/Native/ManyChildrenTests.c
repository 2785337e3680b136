/* The cost of a SIGCHLD with many watched children: ManyChildrenTests.cs runs this program. It forks the children, which must not be watched by
 * another loop. */
#include "libev.h"
#include "host.h"
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { FEW = 125, FACTOR = 8, MANY = FEW * FACTOR };

static int ended;

static void
event (void *data, mood_watcher *w, int32_t revents)
{
  (void)data;
  (void)revents;
  mood_watcher_stop (w);
  ++ended;
}

static double
used_time (void)
{
  struct timespec ts;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* The least processor time in which the loop handles a SIGCHLD. */
static double
measure (mood_loop *loop)
{
  double least = 1e9, begin;
  int i;

  for (i = 0; i < 20; ++i)
    {
      raise (SIGCHLD);
      begin = used_time ();
      mood_loop_run (loop, EVRUN_NOWAIT);
      begin = used_time () - begin;
      least = begin < least ? begin : least;
    }

  return least;
}

int
main (void)
{
  static const mood_callbacks callbacks = { event, pending, no_wake, 0, 0, 0 };
  static mood_loop *loop;
  static mood_watcher *watchers [MANY];
  static pid_t pids [MANY];
  double few = 0., many;
  int i;

  mood_initialize (MOOD_SIGNALS_NATIVE);
  CHECK (!mood_loop_new (EVFLAG_NOENV, 1, &callbacks, &loop, &loop));

  for (i = 0; i < MANY; ++i)
    {
      if (i == FEW)
        few = measure (loop);

      if (!(pids [i] = fork ()))
        {
          prctl (PR_SET_PDEATHSIG, SIGKILL); /* if a check fails */
          pause ();
          _exit (0);
        }

      CHECK (pids [i] > 0);
      CHECK (watchers [i] = mood_watcher_new (loop, MOOD_CHILD, 1));
      mood_child_set (watchers [i], pids [i], 0, 0);
      CHECK (!mood_watcher_start (watchers [i]));
    }

  many = measure (loop);

  for (i = 0; i < MANY; ++i)
    kill (pids [i], SIGKILL);

  while (ended < MANY)
    mood_loop_run (loop, EVRUN_ONCE);

  for (i = 0; i < MANY; ++i)
    mood_watcher_free (watchers [i]);

  mood_loop_close (loop);
  mood_loop_release (loop);
  printf ("%d children: %.0f us, %d children: %.0f us\n", FEW, few * 1e6, MANY, many * 1e6);

  /* With a quadratic cost the factor was about 40. */
  CHECK (many < few * FACTOR * 2);
  puts ("done");
  return 0;
}
