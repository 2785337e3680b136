/* Another part of the process closes files of a native loop. LostFileTests.cs runs this program. */
#include "libev.h"
#include "host.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

static int events, wakes; /* the calls of event and wake */

/* In the next call of event for the watcher `once`, this function is called. */
static void (*act) (void);
static mood_watcher *once;

static mood_loop *loop;
static mood_watcher *timer;
static pid_t pids [2];

static void
event (void *data, mood_watcher *w, int32_t revents)
{
  void (*now) (void) = act;

  (void)data;
  (void)revents;
  ++events;

  if (w == once && now)
    {
      act = 0;
      now ();
    }
}

static void
wake (void *data)
{
  (void)data;
  ++wakes;
}

static void
give_up (int signum)
{
  (void)signum;
  fputs ("a run hangs\n", stderr);
  _exit (1);
}

/* Makes a loop with a timer that keeps it alive. */
static int
make (unsigned backend, int is_default)
{
  static const mood_callbacks callbacks = { event, pending, wake, 0, 0 };

  alarm (20);
  events = wakes = 0;

  if (mood_loop_new (EVFLAG_NOENV | backend, is_default, &callbacks, &loop, &loop))
    {
      printf ("no backend %u here\n", backend);
      return 0;
    }

  CHECK (timer = mood_watcher_new (loop, MOOD_TIMER, 1));
  mood_timer_set (timer, 1000., 0.);
  mood_watcher_start (timer);
  return 1;
}

/* Checks that the timer has the only reference, and closes the loop. */
static void
finish (void)
{
  CHECK (mood_loop_run (loop, EVRUN_NOWAIT) == MOOD_RUN_ACTIVE);
  mood_watcher_stop (timer);
  CHECK (!mood_loop_run (loop, EVRUN_NOWAIT));
  mood_loop_verify (loop);
  mood_watcher_free (timer);
  mood_loop_close (loop);
  mood_loop_release (loop);
}

static void
free_watcher (mood_watcher *w)
{
  mood_watcher_stop (w);
  mood_watcher_free (w);
}

/* Each run fails, and does not poll. */
static void
check_lost (void)
{
  int i;

  for (i = 0; i < 4; ++i)
    {
      CHECK (mood_loop_run (loop, EVRUN_ONCE) & MOOD_RUN_FAILED);
      CHECK (mood_loop_error (loop, 0, 0) == EBADF);
      mood_loop_verify (loop);
    }
}

/* After a reset the loop works at once, and can be woken. */
static void
check_reset (void)
{
  CHECK (!mood_loop_reset (loop));
  CHECK (!(mood_loop_run (loop, EVRUN_NOWAIT) & MOOD_RUN_FAILED));
  mood_loop_changes (loop); /* so that the wake is written to the eventfd */
  wakes = 0;
  mood_loop_wake (loop);
  CHECK (!(mood_loop_run (loop, EVRUN_ONCE) & MOOD_RUN_FAILED));
  CHECK (wakes == 1);
}

/* Closes all files whose link in /proc contains the name. */
static int
close_files (const char *name)
{
  char path [64], target [256];
  int fd, count = 0;

  for (fd = 3; fd < 64; ++fd)
    {
      memset (target, 0, sizeof target);
      snprintf (path, sizeof path, "/proc/self/fd/%d", fd);

      if (readlink (path, target, sizeof target - 1) > 0 && strstr (target, name))
        {
          close (fd);
          ++count;
        }
    }

  return count;
}

static void
lost_eventfd (unsigned backend, int has_run)
{
  if (!make (backend, 0))
    return;

  if (has_run)
    CHECK (mood_loop_run (loop, EVRUN_NOWAIT) == MOOD_RUN_ACTIVE);

  CHECK (close_files ("eventfd") == 1);
  check_lost ();
  check_reset ();
  finish ();
}

/* The eventfd, the inotify and the timerfd are lost in one poll. */
static void
lost_files (unsigned backend, int keeps_alive)
{
  mood_watcher *periodic, *stat;

  if (!make (backend, 0))
    return;

  CHECK (periodic = mood_watcher_new (loop, MOOD_PERIODIC, 2));
  CHECK (stat = mood_watcher_new (loop, MOOD_STAT, 3));
  mood_periodic_set (periodic, 0., 100000.);
  mood_stat_set (stat, "/tmp", 0.);
  mood_watcher_keepalive (periodic, keeps_alive);
  mood_watcher_keepalive (stat, keeps_alive);
  mood_watcher_start (periodic);
  mood_watcher_start (stat);
  mood_loop_run (loop, EVRUN_NOWAIT);
  CHECK (close_files ("anon_inode:") == 3);
  check_lost ();
  check_reset ();
  free_watcher (periodic);
  free_watcher (stat);
  finish ();
}

/* The timerfd with which io_uring limits its wait is lost. */
static void
lost_limit (void)
{
  mood_watcher *tick;

  if (!make (EVBACKEND_IOURING, 0))
    return;

  CHECK (tick = mood_watcher_new (loop, MOOD_TIMER, 2));
  mood_timer_set (tick, .01, .01);
  mood_watcher_start (tick);
  mood_loop_run (loop, EVRUN_ONCE);
  CHECK (close_files ("timerfd") == 1);
  check_lost ();
  check_reset ();
  events = 0;
  mood_loop_run (loop, EVRUN_ONCE);
  CHECK (events == 1);
  free_watcher (tick);
  finish ();
}

/* -- pidfds -------------------------------------------------------------------------------------------------------- */

static mood_watcher *child;

static mood_watcher *
watch (pid_t pid)
{
  mood_watcher *w;

  CHECK (w = mood_watcher_new (loop, MOOD_CHILD, 2));
  mood_child_set (w, pid, 0, 1);
  CHECK (!mood_watcher_start (w));
  return w;
}

static void
start_children (void)
{
  int i;

  for (i = 0; i < 2; ++i)
    {
      CHECK ((pids [i] = fork ()) >= 0);

      if (!pids [i])
        {
          alarm (60);
          pause ();
          _exit (0);
        }
    }
}

static void
end_child (int i)
{
  if (!pids [i])
    return;

  kill (pids [i], SIGKILL);
  CHECK (waitpid (pids [i], 0, 0) == pids [i]);
  pids [i] = 0;
}

/* Makes the default loop, two children, and a watcher of the first one. */
static int
make_child (unsigned backend)
{
  start_children ();

  if (!make (backend, 1))
    return 0;

  child = watch (pids [0]);
  mood_loop_run (loop, EVRUN_NOWAIT);
  mood_loop_run (loop, EVRUN_NOWAIT);
  return 1;
}

static void
finish_child (void)
{
  end_child (0);
  end_child (1);
  free_watcher (child);
  finish ();
}

static void
stop_child (void)
{
  mood_watcher_stop (child);
}

static void
reset_loop (void)
{
  CHECK (!mood_loop_reset (loop));
}

/* The new pidfd gets the number of the lost one. */
static void
watch_other (void)
{
  free_watcher (watch (pids [1]));
}

static void
verify_loop (void)
{
  mood_loop_verify (loop);
}

/* A Check is called before the event by which libev tells that the pidfd is lost. */
static void
lost_pidfd (unsigned backend, void (*meanwhile) (void))
{
  mood_watcher *second;

  if (!make_child (backend))
    return;

  second = watch (pids [1]);
  CHECK (once = mood_watcher_new (loop, MOOD_CHECK, 3));
  mood_watcher_priority (once, 2);
  mood_watcher_keepalive (once, 0);
  mood_watcher_start (once);
  mood_loop_run (loop, EVRUN_NOWAIT);
  CHECK (close_files ("pidfd") == 2);
  act = meanwhile;
  CHECK (mood_loop_run (loop, EVRUN_NOWAIT) == MOOD_RUN_ACTIVE);
  CHECK (!act);
  free_watcher (once);
  mood_watcher_start (child);
  end_child (0);
  events = 0;

  while (!events)
    CHECK (mood_loop_run (loop, EVRUN_ONCE) == MOOD_RUN_ACTIVE);

  free_watcher (second);
  finish_child ();
}

/* The child ends at the same time. Its end is reported before the event by which libev tells that the pidfd is lost. */
static void
lost_pidfd_of_a_zombie (unsigned backend)
{
  siginfo_t info;

  if (!make_child (backend))
    return;

  CHECK (close_files ("pidfd") == 1);
  kill (pids [0], SIGKILL);
  CHECK (!waitid (P_PID, (id_t)pids [0], &info, WEXITED | WNOWAIT));
  events = 0;

  while (!events)
    CHECK (mood_loop_run (loop, EVRUN_ONCE) == MOOD_RUN_ACTIVE);

  finish_child ();
}

/* epoll does not tell that the pidfd is lost. The child is reaped by others, and SIGCHLD tells the loop nothing. A reset finds out. */
static void
lost_pidfd_without_a_notice (void)
{
  if (!make_child (EVBACKEND_EPOLL))
    return;

  CHECK (close_files ("pidfd") == 1);
  end_child (0);
  mood_loop_run (loop, EVRUN_NOWAIT);
  mood_loop_run (loop, EVRUN_NOWAIT);
  events = 0;
  CHECK (!mood_loop_reset (loop));

  while (!events)
    CHECK (mood_loop_run (loop, EVRUN_ONCE) == MOOD_RUN_ACTIVE);

  finish_child ();
}

/* epoll is made again, and refuses the lost pidfd. */
static void
refused_pidfd (void)
{
  mood_watcher *io;
  int pipes [2];

  if (!make_child (EVBACKEND_EPOLL))
    return;

  CHECK (!pipe (pipes));
  CHECK (io = mood_watcher_new (loop, MOOD_IO, 3));
  mood_io_set (io, pipes [0], EV_READ);
  mood_watcher_start (io);
  mood_loop_run (loop, EVRUN_NOWAIT);
  CHECK (close_files ("pidfd") == 1);

  /* an event of a file whose number belongs to another file by now makes libev renew its epoll fd */
  CHECK (dup (pipes [0]) >= 0);
  close (pipes [0]);
  CHECK (open ("/dev/null", O_RDONLY) == pipes [0]);
  CHECK (write (pipes [1], "x", 1) == 1);
  mood_watcher_stop (io);
  CHECK (!(mood_loop_run (loop, EVRUN_NOWAIT) & MOOD_RUN_FAILED));
  CHECK (!(mood_loop_run (loop, EVRUN_NOWAIT) & MOOD_RUN_FAILED));
  CHECK (!(mood_loop_run (loop, EVRUN_NOWAIT) & MOOD_RUN_FAILED));
  end_child (0);
  events = 0;

  while (!events)
    CHECK (mood_loop_run (loop, EVRUN_ONCE) == MOOD_RUN_ACTIVE);

  close (pipes [0]);
  close (pipes [1]);
  free_watcher (io);
  finish_child ();
}

/* All files are lost, and a new pidfd would get the number of the eventfd. */
static void
lost_pidfd_and_eventfd (unsigned backend)
{
  if (!make_child (backend))
    return;

  CHECK (close_files ("anon_inode:") == 2);
  check_lost ();
  check_reset ();
  end_child (0);
  events = 0;

  while (!events)
    CHECK (mood_loop_run (loop, EVRUN_ONCE) == MOOD_RUN_ACTIVE);

  finish_child ();
}

int
main (void)
{
  static const unsigned backends [] = { EVBACKEND_POLL, EVBACKEND_SELECT };
  unsigned i;

  signal (SIGALRM, give_up);
  mood_initialize (MOOD_SIGNALS_NATIVE);
  lost_eventfd (EVBACKEND_LINUXAIO, 0); /* a request that was submitted keeps the file open */
  lost_eventfd (EVBACKEND_IOURING, 0);
  lost_limit ();
  lost_pidfd_without_a_notice ();
  refused_pidfd ();

  for (i = 0; i < 2; ++i)
    {
      lost_eventfd (backends [i], 0);
      lost_eventfd (backends [i], 1);
      lost_files (backends [i], 0);
      lost_files (backends [i], 1);
      lost_pidfd (backends [i], stop_child);
      lost_pidfd (backends [i], reset_loop);
      lost_pidfd (backends [i], watch_other);
      lost_pidfd (backends [i], verify_loop);
      lost_pidfd_of_a_zombie (backends [i]);
      lost_pidfd_and_eventfd (backends [i]);
    }

  puts ("done");
  return 0;
}
