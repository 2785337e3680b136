/* io_uring loops while the system refuses parts of a ring. The definitions of syscall and mmap64 below replace those of the C
 * library. (The library is compiled with 64-bit offsets, so it calls mmap64.) IoUringTests.cs runs this program. */
#include "refusals.h"
#include <string.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* The completion queue that was mapped last, and the offsets of its parts. */
static char *completions;
static struct io_cqring_offsets parts;

/* The steps are the ring (1) and its mappings (2 to 4). refuse: the number of the first step that fails, counted from now; 0: none
 * fails. times: how many steps fail, one after the other. error: the errno of the failures. */
static int refuse, times, error;

static int
is_refused (void)
{
  if (!refuse || --refuse)
    return 0;

  if (--times > 0)
    refuse = 1;

  errno = error;
  return 1;
}

static int no_memory; /* no memory can be mapped */

static int busy; /* how many of the next calls of io_uring_enter fail */

static int
is_refused_call (long number)
{
  if (number == SYS_io_uring_enter && busy)
    {
      --busy;
      errno = EAGAIN;
      return 1;
    }

  return number == SYS_io_uring_setup && is_refused ();
}

/* Called by refusals.h after each system call that succeeded. */
static void
watch_call (long number, const long *arguments)
{
  if (number == SYS_io_uring_setup)
    parts = ((struct io_uring_params *)arguments [1])->cq_off;
}

void *
mmap64 (void *address, size_t size, int protection, int flags, int fd, off64_t offset)
{
  static void *(*real) (void *, size_t, int, int, int, off64_t);

  if (fd >= 0 && flags & MAP_POPULATE && is_refused ())
    return MAP_FAILED;

  if (no_memory)
    {
      errno = ENOMEM;
      return MAP_FAILED;
    }

  if (!real)
    real = (void *(*)(void *, size_t, int, int, int, off64_t))dlsym (RTLD_NEXT, "mmap64");

  address = real (address, size, protection, flags, fd, offset);

  if (fd >= 0 && offset == IORING_OFF_CQ_RING)
    completions = address;

  return address;
}

/* Behaves as if the kernel had lost a completion. The kernel loses one only when it has no memory. */
static void
lose (void)
{
  *(volatile unsigned *)(completions + parts.overflow) = 1;
}

/* Behaves as if the kernel had refused to poll the fds that are ready now. */
static void
refuse_polls (int with)
{
  volatile unsigned *head = (unsigned *)(completions + parts.head), *tail = (unsigned *)(completions + parts.tail);
  struct io_uring_cqe *all = (struct io_uring_cqe *)(completions + parts.cqes);
  unsigned mask = *(unsigned *)(completions + parts.ring_mask), i;
  int n;

  for (n = 0; *head == *tail && n < 10000; ++n)
    usleep (1000);

  CHECK (*head != *tail);

  for (i = *head; i != *tail; ++i)
    all [i & mask].res = -with;
}

static int
mappings (void)
{
  FILE *file = fopen ("/proc/self/maps", "r");
  char line [512];
  int count = 0;

  while (fgets (line, sizeof line, file))
    count += strstr (line, "io_uring") != 0;

  fclose (file);
  return count;
}

/* The step `nth` from now fails with the error `with`, and so do the steps after it, `count` steps in all. */
static void
fail (int nth, int count, int with)
{
  refuse = nth;
  times = count;
  error = with;
}

static double elapsed; /* the monotonic time of the manual clock */

static void
tell_time (void *data, double *times)
{
  (void)data;
  times [0] = elapsed;
  times [1] = 1e9;
}

static mood_loop *
make (unsigned flags)
{
  static mood_loop *loop; /* the data of the callbacks points here; there is one loop at a time */
  static mood_callbacks host;

  host = callbacks;
  host.clock = tell_time;
  return mood_loop_new (EVFLAG_NOENV | EVBACKEND_IOURING | flags, 0, &host, &loop, &loop) ? 0 : loop;
}

static void
check (mood_loop *loop, int *pipes)
{
  char byte;

  events = 0;
  CHECK (write (pipes [1], "x", 1) == 1);
  mood_loop_run (loop, EVRUN_ONCE);
  CHECK (events == 1);
  CHECK (read (pipes [0], &byte, 1) == 1);
}

/* The kernel refuses to poll an fd. The Io of a program's fd is stopped and gets EV_ERROR. For an fd that the loop itself needs,
 * the run fails, and the next run asks the kernel again. */
static void
refused_polls (mood_loop *loop, int *pipes, int with)
{
  mood_watcher *w, *async;
  char byte;
  int n;

  CHECK (w = mood_watcher_new (loop, MOOD_IO, 1));
  CHECK (async = mood_watcher_new (loop, MOOD_ASYNC, 1));
  mood_io_set (w, pipes [0], EV_READ);
  mood_watcher_start (w);
  mood_loop_run (loop, EVRUN_NOWAIT);
  CHECK (write (pipes [1], "x", 1) == 1);
  refuse_polls (with);
  events = 0;
  CHECK (!mood_loop_run (loop, EVRUN_NOWAIT));
  CHECK (events == 1 && !w->active);
  CHECK (read (pipes [0], &byte, 1) == 1);
  mood_watcher_start (w);
  check (loop, pipes);

  /* The requests of an io_uring_enter that failed are submitted later, even in a loop that never waits. */
  CHECK (!mood_loop_reset (loop));
  busy = 1;
  CHECK (mood_loop_run (loop, EVRUN_NOWAIT) & MOOD_RUN_FAILED);
  CHECK (mood_loop_error (loop, 0, 0) == EAGAIN);
  CHECK (write (pipes [1], "x", 1) == 1);
  events = 0;

  for (n = 0; n < 1000 && !events; ++n, usleep (1000))
    mood_loop_run (loop, EVRUN_NOWAIT);

  CHECK (events);
  CHECK (read (pipes [0], &byte, 1) == 1);

  mood_watcher_start (async);
  mood_loop_run (loop, EVRUN_NOWAIT);
  mood_loop_changes (loop); /* makes the next send write to the eventfd */
  mood_async_send (async);
  refuse_polls (with);
  events = 0;
  CHECK (mood_loop_run (loop, EVRUN_NOWAIT) & MOOD_RUN_FAILED);
  CHECK (mood_loop_error (loop, 0, 0) == with && !events);

  for (n = 0; n < 10000 && !events; ++n, usleep (1000))
    mood_loop_run (loop, EVRUN_NOWAIT);

  CHECK (events == 1);
  mood_watcher_stop (async);
  mood_watcher_stop (w);
  CHECK (!mood_loop_run (loop, EVRUN_NOWAIT));
  mood_watcher_free (async);
  mood_watcher_free (w);
}

/* Runs the loop, which must fail with an error. With pipes, the kernel has lost a completion. Without pipes, the earlier error
 * persists. */
static void
overflow_once (mood_loop *loop, int *pipes, int with)
{
  if (pipes)
    {
      lose ();
      CHECK (write (pipes [1], "x", 1) == 1);
    }

  events = 0;
  CHECK (mood_loop_run (loop, 0) & MOOD_RUN_FAILED);
  CHECK (mood_loop_error (loop, 0, 0) == with && !events);
}

/* The kernel has lost a completion. The loop makes another ring, or an epoll fd, and reports the event. */
static void
overflow_quietly (mood_loop *loop, int *pipes)
{
  int n;

  lose ();
  CHECK (write (pipes [1], "x", 1) == 1);
  events = 0;

  for (n = 0; n < 1000 && !events; ++n, usleep (1000))
    mood_loop_run (loop, EVRUN_NOWAIT);

  CHECK (events == 1);
  CHECK (read (pipes [0], &n, 1) == 1);
  CHECK (!mood_loop_error (loop, 0, 0));
}

/* The number of fds in watch_many. So many changes do not fit into the ring while the kernel takes none. */
enum { MANY = 100 };

static mood_watcher *many [MANY];
static int many_pipes [MANY][2];

static void
watch_many (mood_loop *loop)
{
  int i;

  for (i = 0; i < MANY; ++i)
    {
      CHECK (!pipe (many_pipes [i]));
      CHECK (many [i] = mood_watcher_new (loop, MOOD_IO, 1));
      mood_io_set (many [i], many_pipes [i][0], EV_READ);
      mood_watcher_start (many [i]);
    }
}

/* Checks that each watcher of watch_many reports its event. */
static void
check_many (mood_loop *loop)
{
  int i, n;

  for (i = 0; i < MANY; ++i)
    {
      CHECK (write (many_pipes [i][1], "x", 1) == 1);
      events = 0;

      for (n = 0; n < 10000 && !events; ++n, usleep (1000))
        CHECK (!(mood_loop_run (loop, EVRUN_NOWAIT) & MOOD_RUN_FAILED));

      CHECK (events);
      mood_watcher_stop (many [i]);
      mood_watcher_free (many [i]);
      close (many_pipes [i][0]);
      close (many_pipes [i][1]);
    }
}

static void
wait_for_completions (void)
{
  volatile unsigned *head = (unsigned *)(completions + parts.head), *tail = (unsigned *)(completions + parts.tail);
  int n;

  for (n = 0; *head == *tail && n < 10000; ++n)
    usleep (1000);

  CHECK (*head != *tail);
}

/* The ring is full, and the kernel takes no request from it. The run fails with the kernel's error, and the next run makes a new ring. Until
 * then libev writes its further requests into the placeholder of the loop (libev/ring.c), because nothing can be mapped. */
static void
full_ring (mood_loop *loop, int *pipes)
{
  int n;

  check (loop, pipes);

  for (n = 0; n < 3; ++n)
    {
      if (!n)
        watch_many (loop);
      else
        CHECK (!mood_loop_reset (loop));

      busy = 1 << 20;
      no_memory = 1;
      CHECK (mood_loop_run (loop, 0) & MOOD_RUN_FAILED);
      CHECK (mood_loop_error (loop, 0, 0) == EAGAIN);
      busy = no_memory = 0;
    }

  check_many (loop);
  check (loop, pipes);
  CHECK (mood_loop_backend (loop) == EVBACKEND_IOURING);
}

/* The ring is full, the kernel takes no request, and the completion queue has overflown at its limit. So libev changes to epoll while it
 * looks for room in the ring. That iteration does not wait. */
static void
full_ring_at_the_limit (mood_loop *loop, int *pipes)
{
  mood_watcher *timer;
  char byte;

  fail (1, 1, EINVAL); /* this sets the limit */
  overflow_quietly (loop, pipes);
  check (loop, pipes);
  CHECK (mood_loop_backend (loop) == EVBACKEND_IOURING);
  mood_loop_run (loop, EVRUN_NOWAIT);
  CHECK (write (pipes [1], "x", 1) == 1);
  wait_for_completions ();
  lose ();
  watch_many (loop);
  CHECK (timer = mood_watcher_new (loop, MOOD_TIMER, 1));
  mood_timer_set (timer, 30., 0.);
  mood_watcher_start (timer);
  busy = no_memory = 1;
  events = 0;
  mood_loop_run (loop, EVRUN_ONCE);
  no_memory = 0;
  CHECK (!events && timer->active); /* otherwise it has waited */
  CHECK (mood_loop_backend (loop) == EVBACKEND_EPOLL);
  mood_watcher_stop (timer);
  mood_watcher_free (timer);
  mood_loop_run (loop, EVRUN_ONCE);
  CHECK (events == 1 && read (pipes [0], &byte, 1) == 1);
  check_many (loop);
  check (loop, pipes);
}

/* Overflows make larger rings, and at the limit an epoll fd. */
static void
overflow_until_epoll (mood_loop *loop, int *pipes)
{
  int step;

  for (step = 0; mood_loop_backend (loop) != EVBACKEND_EPOLL; ++step)
    {
      CHECK (step < 32);
      overflow_quietly (loop, pipes);
    }

  CHECK (step > 2);
}

/* When a loop with a manual clock changes to epoll, it keeps the clock: it calls a timer exactly at its time. */
static void
keeps_the_clock (int *pipes, void (*change) (mood_loop *, int *))
{
  mood_loop *loop;
  mood_watcher *w, *timer;

  CHECK (loop = make (0));
  mood_loop_manual (loop);
  CHECK (w = mood_watcher_new (loop, MOOD_IO, 1));
  mood_io_set (w, pipes [0], EV_READ);
  mood_watcher_start (w);
  change (loop, pipes);
  CHECK (mood_loop_backend (loop) == EVBACKEND_EPOLL);
  mood_watcher_stop (w);
  CHECK (timer = mood_watcher_new (loop, MOOD_TIMER, 1));
  mood_timer_set (timer, 1000.25, 0.);
  mood_watcher_start (timer);
  events = 0;
  elapsed += 1000.;
  mood_loop_run (loop, EVRUN_NOWAIT);
  CHECK (!events);
  elapsed += .25;
  mood_loop_run (loop, EVRUN_NOWAIT);
  CHECK (events == 1 && mood_loop_now (loop) == 1e9 + elapsed);
  mood_watcher_free (w);
  mood_watcher_free (timer);
  dispose (loop);
}

static void
leave (void *data)
{
  (void)data;
}

/* The host leaves all events to a later walk. Each wait ends with an event of the timerfd, which is cleared. The queue of pending events must
 * not grow with the number of waits. */
static void
clears_its_timer (void)
{
  static mood_loop *loop;
  mood_callbacks host = callbacks;
  mood_watcher *timer;
  int n, count = 0;

  host.pending = leave;
  CHECK (!mood_loop_new (EVFLAG_NOENV | EVBACKEND_IOURING, 0, &host, &loop, &loop));
  mood_loop_queue (loop)->always = 1;
  CHECK (timer = mood_watcher_new (loop, MOOD_TIMER, 1));
  mood_timer_set (timer, .001, .001);
  mood_watcher_start (timer);

  for (n = 0; n < 200; ++n)
    mood_loop_run (loop, EVRUN_ONCE);

  for (n = 0; n < MOOD_PRIORITIES; ++n)
    count += mood_loop_queue (loop)->counts [n];

  CHECK (count < 100);
  mood_watcher_free (timer);
  dispose (loop);
}

int
main (void)
{
  static const int errors [] = { ENOMEM, EINVAL, EMFILE, EAGAIN };
  int fds = open_fds (), maps = mappings (), pipes [2], i, step, own_fds, own_maps, status;
  mood_watcher *w;
  mood_loop *loop;
  pid_t pid;

  mood_initialize (MOOD_SIGNALS_NATIVE);
  loop = make (0);

  if (!loop)
    {
      puts ("no io_uring here\ndone");
      return 0;
    }

  CHECK (mappings () > maps);
  dispose (loop);
  clears_its_timer ();

  /* A constructor that fails leaves nothing behind. */
  for (step = 1; step <= 4; ++step)
    for (i = 0; i < 4; ++i)
      {
        fail (step, 100, errors [i]);
        CHECK (!make (0));
        refuse = 0;
        CHECK (open_fds () == fds && mappings () == maps);
      }

  /* A Reset that fails changes nothing. */
  CHECK (!pipe (pipes));
  fds = open_fds ();
  CHECK (loop = make (EVFLAG_FORKCHECK));
  CHECK (w = mood_watcher_new (loop, MOOD_IO, 1));
  mood_io_set (w, pipes [0], EV_READ);
  mood_watcher_start (w);
  check (loop, pipes);
  own_fds = open_fds ();
  own_maps = mappings ();

  for (step = 1; step <= 4; ++step)
    for (i = 0; i < 4; ++i)
      {
        fail (step, 100, errors [i]);
        CHECK (mood_loop_reset (loop) == -errors [i]);
        check (loop, pipes);
        refuse = 0;
        CHECK (!mood_loop_reset (loop));
        CHECK (!mood_loop_reset (loop)); /* a second Reset, before the loop has run */
        fail (1, 100, errors [i]);       /* changes nothing, because the ring exists already */
        check (loop, pipes);
        refuse = 0;
        check (loop, pipes);
        CHECK (!mood_loop_error (loop, 0, 0));
        CHECK (mappings () == own_maps);
      }

  mood_loop_run (loop, EVRUN_NOWAIT);
  CHECK (open_fds () <= own_fds + 1); /* Reset made an eventfd */

  /* After a fork libev retries by itself. Each step is refused once, and some attempts fail halfway. */
  for (i = 0; i < 4; ++i)
    {
      CHECK ((pid = fork ()) >= 0);

      if (!pid)
        {
          for (step = 2; step <= 4; ++step)
            {
              CHECK (!mood_loop_error (loop, 0, 0) || step > 2);
              fail (step, 3, errors [i]);
              mood_loop_run (loop, EVRUN_NOWAIT);
              refuse = 0;
            }

          mood_loop_error (loop, 0, 0);
          mood_loop_run (loop, EVRUN_NOWAIT);
          mood_loop_error (loop, 0, 0);
          check (loop, pipes);
          CHECK (mappings () <= own_maps * 2); /* the mappings of the parent may be inherited */
          _exit (0);
        }

      CHECK (waitpid (pid, &status, 0) == pid);
      CHECK (!status);
    }

  /* While the system refuses a step, each run ends with the error of that step. Afterwards the loop works again. */
  for (step = 1; step <= 4; ++step)
    for (i = 0; i < 4; ++i)
      {
        CHECK ((pid = fork ()) >= 0);

        if (!pid)
          {
            struct rlimit limit, none;
            int before = open_fds (), n;

            CHECK (write (pipes [1], "x", 1) == 1);
            events = 0;

            for (n = 0; n < 3; ++n)
              {
                fail (step, 1 << 20, errors [i]);
                CHECK (mood_loop_run (loop, 0) & MOOD_RUN_FAILED);
                CHECK (mood_loop_error (loop, 0, 0) == errors [i]);
                CHECK (!events && open_fds () <= before);
              }

            refuse = 0;
            CHECK (!(mood_loop_run (loop, EVRUN_ONCE) & MOOD_RUN_FAILED) && events == 1);
            CHECK (read (pipes [0], &n, 1) == 1);
            check (loop, pipes);

            /* No failed run has left a reference that keeps the loop alive. */
            mood_watcher_stop (w);
            CHECK (!mood_loop_run (loop, EVRUN_NOWAIT));
            mood_watcher_start (w);
            check (loop, pipes);

            /* After an EINVAL the loop knows the limit, and the next overflow makes it change to epoll. */
            if (errors [i] == EINVAL)
              {
                getrlimit (RLIMIT_NOFILE, &limit);
                none = limit;
                none.rlim_cur = 0;
                CHECK (!setrlimit (RLIMIT_NOFILE, &none));
                overflow_once (loop, pipes, EMFILE);
                overflow_once (loop, 0, EMFILE);
                CHECK (!setrlimit (RLIMIT_NOFILE, &limit));
                CHECK (read (pipes [0], &n, 1) == 1);
                check (loop, pipes);
                CHECK (mood_loop_backend (loop) == EVBACKEND_EPOLL);
              }
            else
              {
                fail (step, 1 << 20, errors [i]);
                overflow_once (loop, pipes, errors [i]);
                CHECK (read (pipes [0], &n, 1) == 1); /* empties the pipe, which the parent shares */
              }

            mood_watcher_stop (w);
            mood_watcher_free (w);
            dispose (loop); /* while the loop has a placeholder in place of a ring */
            refuse = 0;
            CHECK (open_fds () == fds);
            _exit (0);
          }

        CHECK (waitpid (pid, &status, 0) == pid);
        CHECK (!status);
      }

  /* A lack of memory that is over at the next overflow sets no limit for the size of a ring. A lasting lack does. */
  for (i = 0; i < 3; ++i)
    {
      fail (1, 1, ENOMEM);
      overflow_quietly (loop, pipes);
      CHECK (mood_loop_backend (loop) == EVBACKEND_IOURING);
      overflow_quietly (loop, pipes);
      CHECK (mood_loop_backend (loop) == EVBACKEND_IOURING);
    }

  CHECK ((pid = fork ()) >= 0);

  if (!pid)
    {
      check (loop, pipes);

      for (i = 0; i < 2; ++i)
        {
          fail (1, 1, ENOMEM);
          overflow_quietly (loop, pipes);
          CHECK (mood_loop_backend (loop) == EVBACKEND_IOURING);
        }

      overflow_quietly (loop, pipes);
      CHECK (mood_loop_backend (loop) == EVBACKEND_EPOLL);
      _exit (0);
    }

  CHECK (waitpid (pid, &status, 0) == pid);
  CHECK (!status);

  overflow_until_epoll (loop, pipes);
  check (loop, pipes);
  mood_watcher_stop (w);
  mood_watcher_free (w);
  dispose (loop);
  CHECK (open_fds () == fds && mappings () == maps);

  /* libev changes to epoll while it polls, or before that, while it changes its fds. */
  keeps_the_clock (pipes, overflow_until_epoll);
  keeps_the_clock (pipes, full_ring_at_the_limit);

  CHECK (loop = make (0));
  CHECK (w = mood_watcher_new (loop, MOOD_IO, 1));
  mood_io_set (w, pipes [0], EV_READ);
  mood_watcher_start (w);
  full_ring (loop, pipes);
  full_ring_at_the_limit (loop, pipes);
  mood_watcher_stop (w);
  CHECK (!mood_loop_run (loop, EVRUN_NOWAIT));
  mood_watcher_free (w);
  dispose (loop);
  CHECK (open_fds () == fds && mappings () == maps);

  CHECK (loop = make (0));
  refused_polls (loop, pipes, ENOMEM);
  refused_polls (loop, pipes, EAGAIN);
  CHECK (w = mood_watcher_new (loop, MOOD_IO, 1));
  mood_io_set (w, pipes [0], EV_READ);
  mood_watcher_start (w);
  check (loop, pipes);
  mood_watcher_stop (w);
  CHECK (!mood_loop_reset (loop)); /* the loop is disposed before it uses the new ring */
  mood_watcher_free (w);
  dispose (loop);
  CHECK (open_fds () == fds && mappings () == maps);
  puts ("done");
  return 0;
}
