/* A watcher of pid 0 reports children that /proc hides from this process, as it does with the mount option hidepid when a child
 * runs as another user. Here fopen refuses the status of every second child.
 * (The library calls it by the name fopen64.) The host answers at once, or after an iteration of the loop. */
#include "libev.h"
#include "host.h"
#include <dlfcn.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

enum { CHILDREN = 8 };

static pid_t pids [CHILDREN];
static int seen [CHILDREN], refused, asked;

FILE *
fopen64 (const char *path, const char *mode)
{
  static FILE *(*real) (const char *, const char *);
  char hidden [64];
  int i;

  for (i = 0; i < CHILDREN; i += 2)
    {
      snprintf (hidden, sizeof hidden, "/proc/%d/stat", pids [i]);

      if (pids [i] && !strcmp (path, hidden))
        {
          ++refused;
          errno = EACCES;
          return 0;
        }
    }

  if (!real)
    real = (FILE * (*)(const char *, const char *)) dlsym (RTLD_NEXT, "fopen64");

  return real (path, mode);
}

static void
event (void *data, mood_watcher *w, int32_t revents)
{
  int i, rpid, rstatus;

  (void)data;
  CHECK (revents & EV_CHILD);
  mood_child_status (w, &rpid, &rstatus);

  for (i = 0; i < CHILDREN && pids [i] != rpid; ++i)
    ;

  CHECK (i < CHILDREN && rstatus == (i + 1) << 8);
  ++seen [i];
}

static int32_t
reap (void *data)
{
  (void)data;
  ++asked;
  return 0;
}

static const mood_callbacks callbacks = { event, pending, no_wake, 0, 0, reap };

static void
host_handler (int signum)
{
  (void)signum;
}

/* The children wait until this process closes the pipe. So all of them have started before the first one ends. */
static void
start (int end [2])
{
  char byte;
  int i;

  CHECK (!pipe (end));

  for (i = 0; i < CHILDREN; ++i)
    if (!(pids [i] = fork ()))
      {
        close (end [1]);
        _exit (read (end [0], &byte, 1) ? 99 : i + 1);
      }

  close (end [0]);
}

/* early: whether the children have ended before the watcher starts */
static void
children (int early)
{
  mood_loop *loop;
  mood_watcher *w;
  int end [2], i, n, left;
  siginfo_t info;

  memset (seen, 0, sizeof seen);
  refused = 0;
  start (end);

  if (early)
    close (end [1]);

  for (i = 0; early && i < CHILDREN; ++i)
    CHECK (!waitid (P_PID, (id_t)pids [i], &info, WEXITED | WNOWAIT));

  CHECK (!mood_loop_new (EVFLAG_NOENV, 1, &callbacks, &loop, &loop));
  CHECK (w = mood_watcher_new (loop, MOOD_CHILD, 1));
  mood_child_set (w, 0, 0, 0);
  CHECK (!mood_watcher_start (w));
  CHECK (refused);

  if (!early)
    close (end [1]);

  for (n = 0, left = 1; left && n < 5000; ++n)
    {
      mood_loop_run (loop, EVRUN_NOWAIT);
      mood_sleep (0.001);

      if (asked)
        {
          asked = 0;
          mood_child_passed (1);
        }

      for (i = left = 0; i < CHILDREN; ++i)
        left += !seen [i];
    }

  for (i = 0; i < CHILDREN; ++i)
    CHECK (seen [i] == 1);

  CHECK (waitpid (-1, 0, WNOHANG) < 0 && errno == ECHILD);
  mood_watcher_stop (w);
  mood_watcher_free (w);
  mood_loop_close (loop);
  mood_loop_release (loop);
}

int
main (void)
{
  int status;
  pid_t native = fork ();

  CHECK (!mood_initialize (native ? MOOD_SIGNALS_HOST : MOOD_SIGNALS_NATIVE));

  if (native)
    {
      CHECK (waitpid (native, &status, 0) == native && !status);
      signal (SIGCHLD, host_handler);
      mood_signal_watch (SIGCHLD);
    }

  children (0);
  children (1);

  if (native)
    puts ("done");

  return 0;
}
