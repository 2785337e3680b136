/* Uses the whole C ABI without .NET. NativeTests.cs runs it directly, under valgrind and with ThreadSanitizer.
 * Arguments: the number of loops that close while other threads send, and a file that may be changed. */
#include "libev.h"
#include "host.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#if __x86_64__
# include <cpuid.h>
#endif

typedef struct
{
  int seen, stop;
} watch;

/* The watch of each watcher, by the watcher's id. The watchers are made on one thread. */
static watch *watches [1000];

static int32_t
id_of (watch *data)
{
  int32_t id = 1;

  while (watches [id] && watches [id] != data)
    CHECK (++id < 1000);

  watches [id] = data;
  return id;
}

static void
event (void *loop, mood_watcher *w, int32_t revents)
{
  watch *data = watches [((mood_watcher_head *)w)->id];

  (void)loop;
  (void)revents;
  ++data->seen;

  if (data->stop && w->active)
    mood_watcher_stop (w);
}

/* clang-format off */
static void wake (void *data) { mood_loop_break (*(mood_loop **)data, EVBREAK_ALL); }
static double reschedule (void *data, mood_watcher *w, double now) { (void)data; (void)w; return now + 0.001; }
/* clang-format on */

/* The manual clock of this program. */
static double monotonic, origin;

static void
tell_time (void *data, double *times)
{
  (void)data;
  times [0] = monotonic;
  times [1] = origin;
}

static const mood_callbacks callbacks = { event, pending, wake, reschedule, tell_time, 0 };

/* -- every kind on every backend, freed in several orders ---------------------------------------------------------- */

static const int kinds [] = { MOOD_IO,   MOOD_TIMER,   MOOD_PERIODIC, MOOD_SCHEDULER, MOOD_SIGNAL, MOOD_STAT,
                              MOOD_IDLE, MOOD_PREPARE, MOOD_CHECK,    MOOD_EMBED,     MOOD_FORK,   MOOD_ASYNC };

enum { COUNT = sizeof kinds / sizeof *kinds, ORDERS = 6 };

static void
all_kinds (unsigned backend, int order, const char *path)
{
  mood_loop *loop, *inner;
  mood_watcher *w [COUNT], *inner_io;
  watch seen [COUNT] = { { 0, 0 } }, inner_seen = { 0, 0 };
  mood_file_status status;
  int pipes [2], i, n, left;

  CHECK (!pipe (pipes) && write (pipes [1], "x", 1) == 1);
  CHECK (!mood_loop_new (EVFLAG_NOENV | backend, 0, &callbacks, &loop, &loop));
  CHECK (mood_loop_backend (loop) == backend);
  CHECK (!mood_loop_new (EVFLAG_NOENV | EVBACKEND_EPOLL, 0, &callbacks, &inner, &inner));
  CHECK (inner_io = mood_watcher_new (inner, MOOD_IO, id_of (&inner_seen)));
  mood_io_set (inner_io, pipes [0], EV_READ);
  CHECK (!mood_watcher_start (inner_io));
  mood_loop_run (inner, EVRUN_NOWAIT);

  for (i = 0; i < COUNT; ++i)
    {
      seen [i].stop = order != 2;
      CHECK (w [i] = mood_watcher_new (loop, kinds [i], id_of (seen + i)));

      switch (kinds [i])
        {
          case MOOD_IO: mood_io_set (w [i], pipes [0], EV_READ); break;
          case MOOD_TIMER: mood_timer_set (w [i], 0.001, 0.001); break;
          case MOOD_PERIODIC: mood_periodic_set (w [i], 0., 0.002); break;
          case MOOD_SIGNAL: mood_signal_set (w [i], SIGUSR1); break;
          case MOOD_STAT: CHECK (!mood_stat_set (w [i], path, 0.1)); break;
          case MOOD_EMBED: mood_embed_set (w [i], inner); break;
        }

      /* An idle watcher is called only while no watcher of its own or a higher priority is pending. */
      mood_watcher_priority (w [i], kinds [i] == MOOD_IDLE ? EV_MAXPRI : i % 4 - 2);
      CHECK (!mood_watcher_start (w [i]));
      mood_watcher_keepalive (w [i], order & 2);
    }

  CHECK (!mood_loop_reset (loop));
  mood_loop_run (loop, EVRUN_NOWAIT);
  CHECK (!raise (SIGUSR1));
  mood_async_send (w [COUNT - 1]);
  {
    FILE *file = fopen (path, "a");
    CHECK (file && fputc ('x', file) == 'x' && !fclose (file));
  }

  for (n = 0, left = 1; left && n < 3000; ++n)
    {
      mood_loop_run (loop, EVRUN_NOWAIT);
      mood_sleep (0.001);

      for (i = left = 0; i < COUNT; ++i)
        left += !seen [i].seen;
    }

  for (i = 0; i < COUNT; ++i)
    if (!seen [i].seen)
      fprintf (stderr, "backend %u: kind %d was not called\n", backend, kinds [i]);

  CHECK (!left);
  CHECK (!mood_loop_error (loop, 0, 0));
  mood_loop_verify (loop);

  for (i = 0; i < COUNT; ++i)
    if (kinds [i] == MOOD_STAT)
      mood_stat_status (w [i], order & 1, &status);

  /* Some watchers are active now, and some are pending. */
  for (i = 0; i < COUNT; ++i)
    {
      if (i % 2 == order % 2)
        CHECK (!mood_watcher_start (w [i]));

      if (i % 3 == order % 3)
        mood_watcher_feed (w [i], EV_CUSTOM);
    }

  switch (order)
    {
      case 0: /* the watchers first, in order */
      case 1: /* the watchers first, in reverse order */
        for (n = 0; n < COUNT; ++n)
          {
            i = order ? COUNT - 1 - n : n;
            mood_watcher_clear (w [i]);

            if (w [i]->active)
              mood_watcher_stop (w [i]);

            mood_watcher_free (w [i]);
          }

        mood_loop_close (loop);
        mood_loop_release (loop);
        break;
      case 2: /* the loop first, while all watchers are active */
      case 3:
        mood_loop_close (loop);
        mood_loop_release (loop);

        for (n = 0; n < COUNT; ++n)
          mood_watcher_free (w [order == 3 ? COUNT - 1 - n : n]);

        break;
      default: /* the watchers between close and release */
        mood_loop_close (loop);
        mood_loop_wake (loop);
        mood_async_send (w [COUNT - 1]);
        mood_async_sent (w [COUNT - 1]);

        for (n = 0; n < COUNT; ++n)
          mood_watcher_free (w [(n * 5 + order) % COUNT]);

        mood_loop_release (loop);
    }

  mood_loop_close (inner);
  mood_watcher_free (inner_io);
  mood_loop_release (inner);
  close (pipes [0]);
  close (pipes [1]);
}

/* -- children, on the default loop --------------------------------------------------------------------------------- */

static void
children (int any)
{
  enum { CHILDREN = 5 };
  mood_loop *loop;
  mood_watcher *w [CHILDREN];
  watch seen [CHILDREN] = { { 0, 0 } };
  pid_t pids [CHILDREN];
  int i, n, left, rpid, rstatus;

  CHECK (!mood_loop_new (EVFLAG_NOENV, 1, &callbacks, &loop, &loop));

  for (i = 0; i < CHILDREN; ++i)
    {
      if (!(pids [i] = fork ()))
        {
          usleep (1000 * (unsigned)i);
          _exit (i + 1);
        }

      seen [i].stop = 1;
      CHECK (w [i] = mood_watcher_new (loop, MOOD_CHILD, id_of (seen + i)));
      mood_child_set (w [i], any && !i ? 0 : pids [i], i & 1, 0);
      CHECK (!mood_watcher_start (w [i]));
    }

  for (n = 0, left = 1; left && n < 5000; ++n)
    {
      mood_loop_run (loop, EVRUN_NOWAIT);
      mood_sleep (0.001);

      for (i = left = 0; i < CHILDREN; ++i)
        left += !seen [i].seen;
    }

  for (i = 0; i < CHILDREN; ++i)
    {
      CHECK (seen [i].seen);
      mood_child_status (w [i], &rpid, &rstatus);
      CHECK ((any && !i) || (rpid == pids [i] && rstatus == (i + 1) << 8));
    }

  mood_loop_close (loop);
  mood_loop_release (loop);

  for (i = 0; i < CHILDREN; ++i)
    {
      mood_watcher_free (w [i]);

      /* The watcher of any child (pid 0) stops at the first end it sees. If that was another child, this one is not reaped yet. */
      if (any && !i)
        waitpid (pids [i], 0, 0);
      else
        CHECK (waitpid (pids [i], 0, WNOHANG) < 0 && errno == ECHILD);
    }
}

/* -- a host that replaces our SIGCHLD handler and chains to it or not ------------------------------------------------ */

static struct sigaction covered;
static int host_calls, host_chains;

static void
host_handler (int signum, siginfo_t *info, void *context)
{
  ++host_calls;

  if (host_chains)
    covered.sa_sigaction (signum, info, context);
}

static void
cover (int chains)
{
  mood_loop *loop;
  mood_watcher *w;
  watch seen = { 0, 1 };
  pid_t pid;
  struct sigaction sa, now;
  int n;

  CHECK (!mood_loop_new (EVFLAG_NOENV, 1, &callbacks, &loop, &loop));

  if (!(pid = fork ()))
    {
      usleep (50000);
      _exit (0);
    }

  CHECK (w = mood_watcher_new (loop, MOOD_CHILD, id_of (&seen)));
  mood_child_set (w, pid, 0, 0);
  CHECK (!mood_watcher_start (w));
  memset (&sa, 0, sizeof sa);
  sa.sa_sigaction = host_handler;
  sa.sa_flags = SA_SIGINFO;
  host_calls = 0;
  host_chains = chains;
  CHECK (!sigaction (SIGCHLD, &sa, &covered) && covered.sa_flags & SA_SIGINFO);

  for (n = 0; !seen.seen && n < 5000; ++n)
    {
      mood_loop_run (loop, EVRUN_NOWAIT);
      mood_sleep (0.001);
    }

  CHECK (seen.seen && host_calls);
  mood_loop_close (loop);
  mood_watcher_free (w);
  mood_loop_release (loop);
  CHECK (!sigaction (SIGCHLD, 0, &now) && now.sa_sigaction == host_handler);
  memset (&sa, 0, sizeof sa);
  sa.sa_handler = SIG_DFL;
  CHECK (!sigaction (SIGCHLD, &sa, 0));
}

/* -- threads that send while loops close --------------------------------------------------------------------------- */

static struct
{
  mood_loop *loop;
  mood_watcher *async;
} shared;
static pthread_barrier_t begin, end;
static int over, sending;

static void *
sender (void *argument)
{
  int what = (int)(intptr_t)argument;

  for (;;)
    {
      pthread_barrier_wait (&begin);

      if (__atomic_load_n (&over, __ATOMIC_SEQ_CST))
        return 0;

      while (__atomic_load_n (&sending, __ATOMIC_SEQ_CST))
        switch (what)
          {
            case 0: mood_async_send (shared.async); break;
            case 1: mood_loop_wake (shared.loop); break;
            default: mood_feed_signal (SIGUSR2); break;
          }

      pthread_barrier_wait (&end);
    }
}

static void
threads (int rounds)
{
  enum { THREADS = 3 };
  pthread_t ids [THREADS];
  unsigned backends [] = { EVBACKEND_EPOLL, EVBACKEND_POLL, EVBACKEND_SELECT };
  int i, n;

  CHECK (!pthread_barrier_init (&begin, 0, THREADS + 1) && !pthread_barrier_init (&end, 0, THREADS + 1));

  for (i = 0; i < THREADS; ++i)
    CHECK (!pthread_create (ids + i, 0, sender, (void *)(intptr_t)i));

  for (n = 0; n < rounds; ++n)
    {
      watch seen [2] = { { 0, 0 }, { 0, 0 } };
      mood_watcher *sigusr2;

      CHECK (!mood_loop_new (EVFLAG_NOENV | backends [n % 3], 0, &callbacks, &shared.loop, &shared.loop));
      CHECK (shared.async = mood_watcher_new (shared.loop, MOOD_ASYNC, id_of (seen)));
      CHECK (sigusr2 = mood_watcher_new (shared.loop, MOOD_SIGNAL, id_of (seen + 1)));
      mood_signal_set (sigusr2, SIGUSR2);
      CHECK (!mood_watcher_start (shared.async) && !mood_watcher_start (sigusr2));
      __atomic_store_n (&sending, 1, __ATOMIC_SEQ_CST);
      pthread_barrier_wait (&begin);

      while (!seen [0].seen || !seen [1].seen)
        mood_loop_run (shared.loop, EVRUN_ONCE);

      /* The loop's thread stops the watchers in every second round. The senders continue even while the loop is closed. */
      if (n & 1)
        {
          mood_watcher_stop (shared.async);
          mood_watcher_stop (sigusr2);
        }

      mood_loop_close (shared.loop);
      mood_sleep (0.0005);
      __atomic_store_n (&sending, 0, __ATOMIC_SEQ_CST);
      pthread_barrier_wait (&end);
      mood_watcher_free (shared.async);
      mood_watcher_free (sigusr2);
      mood_loop_release (shared.loop);
    }

  __atomic_store_n (&over, 1, __ATOMIC_SEQ_CST);
  pthread_barrier_wait (&begin);

  for (i = 0; i < THREADS; ++i)
    CHECK (!pthread_join (ids [i], 0));
}

/* -- the host's manual clock --------------------------------------------------------------------------------------- */

static void
manual_clock (unsigned backend)
{
  mood_loop *loop;
  mood_watcher *timer, *periodic;
  watch ticks = { 0, 0 }, tocks = { 0, 0 };
  double due;
  int i;

  monotonic = 0.;
  origin = 946684800.;
  CHECK (!mood_loop_new (EVFLAG_NOENV | backend, 0, &callbacks, &loop, &loop));
  mood_loop_manual (loop);
  CHECK (mood_loop_now (loop) == origin);
  CHECK (mood_loop_due (loop, &due) == 0 && due > 1e300);

  CHECK (timer = mood_watcher_new (loop, MOOD_TIMER, id_of (&ticks)));
  mood_timer_set (timer, .1, .1);
  mood_watcher_start (timer);
  CHECK (periodic = mood_watcher_new (loop, MOOD_PERIODIC, id_of (&tocks)));
  mood_periodic_set (periodic, 0., 60.);
  mood_watcher_start (periodic);

  /* The timer and the periodic are due in the future, and the run does not wait for them. */
  CHECK (mood_loop_run (loop, 0) == MOOD_RUN_ACTIVE);
  CHECK (!ticks.seen && !tocks.seen);

  for (i = 1; i <= 1200; ++i)
    {
      while (mood_loop_due (loop, &due))
        CHECK (mood_loop_run (loop, EVRUN_NOWAIT) == MOOD_RUN_ACTIVE);

      CHECK (due == i / 10.);
      monotonic = due;
      CHECK (mood_loop_run (loop, EVRUN_NOWAIT) == MOOD_RUN_ACTIVE);
      CHECK (mood_loop_now (loop) == origin + i / 10.);
      CHECK (ticks.seen == i && tocks.seen == i / 600);
    }

  /* After a step of the wall clock the periodic is due at its new time. */
  origin += 30.;
  CHECK (mood_loop_run (loop, 0) == MOOD_RUN_ACTIVE);
  CHECK (mood_periodic_at (periodic) == 946684800. + 180.);
  CHECK (mood_timer_remaining (timer) > .09 && mood_loop_lag (loop) == 0.);
  monotonic += 5.;
  CHECK (mood_loop_lag (loop) == 5.);
  mood_loop_suspend (loop);
  monotonic += 5.;
  mood_loop_resume (loop);
  CHECK (mood_loop_lag (loop) == 0.);

  mood_watcher_stop (timer);
  mood_watcher_stop (periodic);
  CHECK (mood_loop_run (loop, 0) == 0);
  mood_watcher_free (timer);
  mood_watcher_free (periodic);
  mood_loop_close (loop);
  mood_loop_release (loop);
}

/* -- when the loop's time is too old for a new timer --------------------------------------------------------------- */

static int
has_counter (void)
{
#if __x86_64__
  unsigned a, b, c, d;

  return __get_cpuid (0x80000007, &a, &b, &c, &d) && d & 1 << 8;
#elif __aarch64__
  return 1;
#else
  return 0;
#endif
}

static void
stale (int counter)
{
  mood_loop *loop;
  int n, fresh = 0;

  CHECK (!mood_loop_new (EVFLAG_NOENV, 0, &callbacks, &loop, &loop));
  CHECK (mood_loop_stale (loop));

  for (n = 0; n < 1000; ++n)
    {
      mood_loop_now_update (loop);
      fresh += !mood_loop_stale (loop);
      mood_sleep (0.0001);
      CHECK (mood_loop_stale (loop));
    }

  CHECK (counter ? fresh > 0 : !fresh);

  /* With a manual clock the loop's time is always stale, because the clock may have moved. */
#if MOOD_TESTING
  mood_loop_now_update (loop);
  mood_loop_clock (loop, 1, 1000., 2000.);
  mood_loop_now_update (loop);
  CHECK (mood_loop_stale (loop));
  mood_loop_clock (loop, 0, 0., 0.);
  CHECK (mood_loop_stale (loop));
#endif

  mood_loop_close (loop);
  mood_loop_release (loop);
  monotonic = 0.;
  CHECK (!mood_loop_new (EVFLAG_NOENV, 0, &callbacks, &loop, &loop));
  mood_loop_manual (loop);
  mood_loop_now_update (loop);
  CHECK (mood_loop_stale (loop));
  mood_loop_close (loop);
  mood_loop_release (loop);
}

int
main (int argc, char **argv)
{
  unsigned backend;
  int i;
  struct sigaction now;

  CHECK (argc == 3);
  mood_initialize (MOOD_SIGNALS_NATIVE);

  for (backend = 1; backend <= EVBACKEND_IOURING; backend <<= 1)
    if (mood_supported_backends () & backend)
      {
        mood_loop *probe;

        if (mood_loop_new (EVFLAG_NOENV | backend, 0, &callbacks, &probe, &probe))
          {
            printf ("not on backend %u\n", backend);
            continue;
          }

        mood_loop_close (probe);
        mood_loop_release (probe);

        for (i = 0; i < ORDERS; ++i)
          all_kinds (backend, i, argv [2]);

        manual_clock (backend);
      }

  stale (has_counter ());
#if MOOD_TESTING
  mood_lacks (MOOD_CYCLES);
  stale (0);
  mood_lacks (0);
#endif

  children (0);
  children (1);
  cover (0);
  cover (1);
#if MOOD_TESTING
  mood_lacks (MOOD_PIDFD);
  children (0);
  children (1);
  mood_lacks (0);
#endif
  threads (atoi (argv [1]));
  CHECK (!sigaction (SIGUSR1, 0, &now) && now.sa_handler == SIG_DFL);
  CHECK (!sigaction (SIGUSR2, 0, &now) && now.sa_handler == SIG_DFL);
  CHECK (!sigaction (SIGCHLD, 0, &now) && now.sa_handler == SIG_DFL);
#if MOOD_TESTING
  CHECK (!mood_live (MOOD_LOOPS) && !mood_live (MOOD_WATCHERS));
#endif
  puts ("done");
  return 0;
}
