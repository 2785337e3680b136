/* The file descriptors of native loops while system calls fail. The definitions of system calls below replace those of the C
 * library. DescriptorTests.cs runs this program. */
#include "refusals.h"
#include "testing.h"
#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>

static int no_contexts; /* io_setup fails, as if other processes had taken all aio contexts */

static int
is_refused_call (long number)
{
  if (number != SYS_io_setup || !no_contexts)
    return 0;

  errno = EAGAIN;
  return 1;
}

static void
watch_call (long number, const long *arguments)
{
  (void)number;
  (void)arguments;
}

/* dup2 leaves the new fd without close-on-exec. A process that another thread starts in that moment would inherit it. */
int
dup2 (int from, int to)
{
  fprintf (stderr, "dup2 (%d, %d)\n", from, to);
  exit (1);
}

static int no_epoll, last_epoll; /* epoll_create1 fails; the last fd that it has returned */

int
epoll_create1 (int flags)
{
  static int (*real) (int);

  if (no_epoll)
    {
      errno = EMFILE;
      return -1;
    }

  if (!real)
    real = (int (*) (int))dlsym (RTLD_NEXT, "epoll_create1");

  return last_epoll = real (flags);
}

/* dup3 sets close-on-exec at once if it is asked to. */
int
dup3 (int from, int to, int flags)
{
  CHECK (flags & O_CLOEXEC);
  return (int)syscall (SYS_dup3, from, to, flags);
}

static size_t largest; /* the size of the largest block that libev has allocated */

/* While it is not 0, realloc gets no memory unless the process has fewer large blocks than this. */
static int large_blocks;

void *
realloc (void *block, size_t size)
{
  static void *(*real) (void *, size_t);

  if (large_blocks && mallinfo ().hblks >= large_blocks)
    {
      errno = ENOMEM;
      return 0;
    }

  if (!real)
    real = (void *(*)(void *, size_t))dlsym (RTLD_NEXT, "realloc");

  if (size > largest)
    largest = size;

  return real (block, size);
}

static int
make (unsigned backends, mood_loop **loop)
{
  int error = mood_loop_new (EVFLAG_NOENV | backends, 0, &callbacks, loop, loop);

  return error ? error : (int)mood_loop_backend (*loop);
}

/* While no aio context is left, a loop is made with another backend that it may use, and without one the constructor fails. */
static void
constructors (void)
{
  int before = open_fds (), i;
  mood_loop *loop;

  no_contexts = 1;

  for (i = 0; i < 20; ++i)
    {
      CHECK (make (EVBACKEND_LINUXAIO, &loop) == -MOOD_ENOBACKEND);
      CHECK (open_fds () == before);
      CHECK (make (EVBACKEND_LINUXAIO | EVBACKEND_EPOLL, &loop) == EVBACKEND_EPOLL);
      CHECK (open_fds () == before + 2); /* epoll and eventfd */
      dispose (loop);
      CHECK (open_fds () == before);
      CHECK (make (EVBACKEND_LINUXAIO | EVBACKEND_POLL, &loop) == EVBACKEND_POLL);
      CHECK (open_fds () == before + 1);
      dispose (loop);
      CHECK (open_fds () == before);
    }

  no_contexts = 0;
}

/* Resets while no aio context is left. After each Reset the loop reports each event once. */
static void
resets (unsigned backend)
{
  int before = open_fds (), pipes [2], i;
  mood_loop *loop;
  mood_watcher *w;
  char byte;

  CHECK (!pipe (pipes));

  if (make (backend, &loop) != (int)backend)
    {
      printf ("no backend %u here\n", backend);
      return;
    }

  CHECK (w = mood_watcher_new (loop, MOOD_IO, 1));
  mood_io_set (w, pipes [0], EV_READ);
  mood_watcher_start (w);
  mood_loop_run (loop, EVRUN_NOWAIT);

  for (i = 1; i <= 40; ++i)
    {
      no_contexts = i % 4 != 0;
      CHECK (!mood_loop_reset (loop));
      mood_loop_run (loop, EVRUN_NOWAIT);
      events = 0;
      CHECK (write (pipes [1], "x", 1) == 1);
      mood_loop_run (loop, EVRUN_ONCE);
      CHECK (events == 1);
      CHECK (read (pipes [0], &byte, 1) == 1);
      mood_loop_run (loop, EVRUN_NOWAIT);
      CHECK (events == 1);
      CHECK (!mood_loop_error (loop, 0, 0));
    }

  no_contexts = 0;
  mood_watcher_stop (w);
  CHECK (!(mood_loop_run (loop, EVRUN_NOWAIT) & MOOD_RUN_ACTIVE));
  mood_watcher_free (w);
  dispose (loop);
  close (pipes [0]);
  close (pipes [1]);
  CHECK (open_fds () == before);
}

/* When memory runs out, the library frees its reserve, a large block. It makes the reserve again when the error is taken. Otherwise libev
 * would end the process at the next lack of memory. */
static void
reserve (void)
{
  enum { ROUNDS = 3 };
  mood_loop *loop;
  mood_watcher *w;
  int i;

  if (!mallinfo ().hblks)
    {
      puts ("no count of large blocks here"); /* AddressSanitizer has another allocator */
      return;
    }

  for (i = 0; i < ROUNDS; ++i)
    {
      CHECK (!mood_loop_new (EVFLAG_NOENV, 0, &callbacks, &loop, &loop));
      CHECK (w = mood_watcher_new (loop, MOOD_TIMER, 1));
      mood_timer_set (w, 1000., 0.);
      large_blocks = mallinfo ().hblks;
      mood_watcher_start (w); /* libev's heap of timers needs its first memory */
      CHECK (mallinfo ().hblks < large_blocks);
      large_blocks = 0;
      CHECK (mood_loop_run (loop, EVRUN_NOWAIT) & MOOD_RUN_FAILED);
      CHECK (mood_loop_error (loop, 0, 0) == ENOMEM);
      mood_watcher_stop (w);
      mood_watcher_free (w);
      dispose (loop);
    }
}

/* A watcher of pid 0 is called for children too for which no file descriptor was left. */
static void
any_child (void)
{
  enum { CHILDREN = 3 };
  struct rlimit limit, none;
  mood_loop *loop;
  mood_watcher *w;
  pid_t pids [CHILDREN];
  int i, n;

  CHECK (!mood_loop_new (EVFLAG_NOENV, 1, &callbacks, &loop, &loop));
  CHECK (w = mood_watcher_new (loop, MOOD_CHILD, 1));
  mood_child_set (w, 0, 0, 0);
  CHECK (!mood_watcher_start (w));
  mood_loop_run (loop, EVRUN_NOWAIT);
  getrlimit (RLIMIT_NOFILE, &limit);
  none = limit;
  none.rlim_cur = 0;
  CHECK (!setrlimit (RLIMIT_NOFILE, &none));

  for (i = 0; i < CHILDREN; ++i)
    {
      CHECK ((pids [i] = fork ()) >= 0);

      if (!pids [i])
        _exit (i + 1);
    }

  events = 0;

  for (n = 0; n < 10000 && events < CHILDREN; ++n, usleep (1000))
    mood_loop_run (loop, EVRUN_NOWAIT);

  CHECK (events == CHILDREN);

  for (i = 0; i < CHILDREN; ++i)
    CHECK (waitpid (pids [i], 0, WNOHANG) < 0 && errno == ECHILD);

  CHECK (!setrlimit (RLIMIT_NOFILE, &limit));
  mood_watcher_stop (w);
  mood_watcher_free (w);
  dispose (loop);
}

/* epoll refuses a regular file, which is always ready. A Reset does not lose its Io, and many Resets need no more memory. */
static void
regular_file (unsigned backend)
{
  mood_loop *loop;
  mood_watcher *w;
  size_t used = 0;
  int fd = open ("/proc/self/exe", O_RDONLY | O_CLOEXEC), i;
  int count = backend == EVBACKEND_EPOLL ? 4000 : 40; /* the kernel takes long to end an aio context */

  CHECK (fd >= 0);

  if (make (backend, &loop) != (int)backend)
    return;

  CHECK (w = mood_watcher_new (loop, MOOD_IO, 1));
  mood_io_set (w, fd, EV_READ);

  for (i = 0; i < count; ++i)
    {
      if (i < 20 && i % 4 == 3)
        mood_watcher_stop (w); /* so that the watcher is not active while the epoll fd is replaced */
      else
        mood_watcher_start (w);

      CHECK (!mood_loop_reset (loop));
      mood_loop_run (loop, EVRUN_NOWAIT);
      mood_watcher_start (w);
      events = 0;
      mood_loop_run (loop, EVRUN_NOWAIT);
      CHECK (events == 1);

      if (i == 20)
        used = largest;
    }

  CHECK (largest == used);
  mood_watcher_stop (w);
  mood_watcher_free (w);
  dispose (loop);
  close (fd);
}

/* The counters of all eventfds of this process, added up. */
static int
wakes (void)
{
  DIR *directory = opendir ("/proc/self/fdinfo");
  struct dirent *entry;
  char path [300], line [100];
  unsigned count;
  int sum = 0;

  while ((entry = readdir (directory)))
    {
      FILE *file;

      snprintf (path, sizeof path, "/proc/self/fdinfo/%s", entry->d_name);

      if (!(file = fopen (path, "r")))
        continue;

      while (fgets (line, sizeof line, file))
        if (sscanf (line, "eventfd-count: %x", &count) == 1)
          sum += (int)count;

      fclose (file);
    }

  closedir (directory);
  return sum;
}

static int fillers [1 << 16], fillers_count; /* the duplicates of fill */

/* Every number below the limit is in use. */
static struct rlimit
fill (void)
{
  struct rlimit limit, full;
  DIR *directory = opendir ("/proc/self/fd");
  struct dirent *entry;
  int highest = 0, fd;

  while ((entry = readdir (directory)))
    if (atoi (entry->d_name) > highest)
      highest = atoi (entry->d_name);

  closedir (directory);

  getrlimit (RLIMIT_NOFILE, &limit);
  full = limit;

  do
    fd = dup (2);
  while (fd >= 0 && (fillers [fillers_count++] = fd) < highest);

  if (fd >= 0)
    full.rlim_cur = (rlim_t)fd + 1;

  CHECK (!setrlimit (RLIMIT_NOFILE, &full) && dup (2) < 0 && errno == EMFILE);
  return limit;
}

/* Whether file descriptors are left when a process forks. LOWERED: the child may open no file, not even after it has closed others. */
enum left { MANY, NONE, LOWERED };

/* A forked child gets files of its own. What it does then does not change its parent's loop. `reset`: the parent has an eventfd for its
 * next iteration already. */
static void
forks (unsigned backend, enum left left, int reset)
{
  int pipes [2], status, i;
  struct rlimit limit, none;
  mood_watcher *w, *async, *stat, *other;
  char path [] = "/tmp/mood-fork-XXXXXX", byte;
  mood_loop *loop;
  pid_t pid;
  int file = mkstemp (path);

  CHECK (file >= 0 && !pipe (pipes));

  if (make (backend | EVFLAG_FORKCHECK, &loop) != (int)backend)
    return;

  CHECK (w = mood_watcher_new (loop, MOOD_IO, 1));
  CHECK (other = mood_watcher_new (loop, MOOD_IO, 2));
  CHECK (async = mood_watcher_new (loop, MOOD_ASYNC, 3));
  CHECK (stat = mood_watcher_new (loop, MOOD_STAT, 4));
  mood_io_set (w, pipes [0], EV_READ);
  mood_stat_set (stat, path, 1000.);
  mood_watcher_start (w);
  mood_watcher_start (async);
  mood_watcher_start (stat);
  mood_loop_run (loop, EVRUN_NOWAIT);

  if (reset)
    CHECK (!mood_loop_reset (loop));

  if (left == NONE)
    limit = fill ();
  else
    getrlimit (RLIMIT_NOFILE, &limit);

  CHECK ((pid = fork ()) >= 0);

  if (!pid)
    {
      mood_watcher_stop (stat); /* before the loop has renewed its files */

      if (reset)
        CHECK (!mood_loop_reset (loop));

      if (left == LOWERED)
        {
          none = limit;
          none.rlim_cur = 0;
          CHECK (!setrlimit (RLIMIT_NOFILE, &none));

          for (i = 0; i < 3; ++i)
            {
              CHECK (mood_loop_run (loop, EVRUN_NOWAIT) & MOOD_RUN_FAILED);
              CHECK (mood_loop_error (loop, 0, 0) == EMFILE);
            }

          CHECK (!setrlimit (RLIMIT_NOFILE, &limit));
        }

      CHECK (!(mood_loop_run (loop, EVRUN_NOWAIT) & MOOD_RUN_FAILED));
      mood_watcher_stop (w);
      mood_io_set (other, pipes [0], 0);
      mood_watcher_start (other);
      mood_loop_run (loop, EVRUN_NOWAIT);
      mood_watcher_stop (other);
      mood_io_set (other, pipes [0], EV_WRITE);
      mood_watcher_start (other);
      mood_loop_run (loop, EVRUN_NOWAIT);
      mood_loop_changes (loop); /* so that the sender writes to the eventfd */
      events = 0;
      mood_async_send (async);
      mood_loop_run (loop, EVRUN_NOWAIT);
      CHECK (events == 1);
      mood_loop_changes (loop);
      mood_async_send (async); /* the child leaves it in its eventfd */
      _exit (0);
    }

  CHECK (!setrlimit (RLIMIT_NOFILE, &limit));

  while (fillers_count)
    close (fillers [--fillers_count]);

  CHECK (waitpid (pid, &status, 0) == pid);
  CHECK (!status);
  CHECK (!wakes ());
  events = 0;
  mood_loop_run (loop, EVRUN_NOWAIT);
  CHECK (!events && !wakes ());
  CHECK (write (pipes [1], "x", 1) == 1);
  mood_loop_run (loop, EVRUN_ONCE);
  CHECK (events == 1 && read (pipes [0], &byte, 1) == 1);
  mood_watcher_stop (w);
  CHECK (write (file, "x", 1) == 1);
  events = 0;

  if (!reset) /* a Reset makes a new inotify, and reads the status again */
    {
      mood_watcher *timer;

      CHECK (timer = mood_watcher_new (loop, MOOD_TIMER, 5));
      mood_timer_set (timer, 20., 0.);
      mood_watcher_start (timer);

      while (!events)
        mood_loop_run (loop, EVRUN_ONCE);

      CHECK (timer->active);
      mood_watcher_stop (timer);
      mood_watcher_free (timer);
    }

  mood_watcher_stop (async);
  mood_watcher_stop (stat);
  mood_watcher_free (w);
  mood_watcher_free (other);
  mood_watcher_free (async);
  mood_watcher_free (stat);
  dispose (loop);
  close (pipes [0]);
  close (pipes [1]);
  close (file);
  unlink (path);
}

/* An embedded loop loses its epoll fd, and the system refuses a new one. The loop around it watches the new fd as soon as there is one. */
static void
embedded (void)
{
  int before = open_fds (), lost;
  mood_loop *outer, *inner;
  mood_watcher *w;

  CHECK (make (EVBACKEND_EPOLL, &outer) == EVBACKEND_EPOLL);
  CHECK (!mood_loop_new (EVFLAG_NOENV | EVBACKEND_EPOLL, 0, &callbacks, &inner, &inner));
  CHECK (w = mood_watcher_new (outer, MOOD_EMBED, 1));
  mood_embed_set (w, inner);
  CHECK (!mood_watcher_start (w));
  mood_loop_run (outer, EVRUN_NOWAIT);

  CHECK (!mood_loop_reset (inner));
  mood_loop_run (inner, EVRUN_NOWAIT); /* the outer loop does not watch this fd yet */
  lost = last_epoll;
  CHECK (!mood_loop_reset (inner));
  close (lost);
  no_epoll = 1;
  CHECK (mood_loop_run (inner, EVRUN_NOWAIT) & MOOD_RUN_FAILED && mood_loop_error (inner, 0, 0) == EMFILE);
  mood_loop_run (outer, EVRUN_NOWAIT);
  CHECK (!mood_loop_changes (outer)); /* a loop around this one would run it again and again */

  no_epoll = 0;
  CHECK (!(mood_loop_run (inner, EVRUN_NOWAIT) & MOOD_RUN_FAILED));
  mood_loop_run (outer, EVRUN_NOWAIT);
  events = 0;
  mood_loop_wake (inner);
  mood_loop_run (outer, EVRUN_ONCE);
  CHECK (events == 1);

  mood_watcher_stop (w);
  mood_watcher_free (w);
  dispose (outer);
  dispose (inner);
  CHECK (open_fds () == before);
}

int
main (void)
{
  static const unsigned backends [] = { EVBACKEND_EPOLL, EVBACKEND_POLL, EVBACKEND_SELECT, EVBACKEND_LINUXAIO,
                                        EVBACKEND_IOURING };
  enum left left;
  unsigned i;

  mallopt (M_MMAP_THRESHOLD, 1 << 19); /* from now on this is constant, and mallinfo counts the larger blocks */
  mood_initialize (MOOD_SIGNALS_NATIVE);
  reserve ();
  any_child ();
  constructors ();
  embedded ();

  for (i = 0; i < sizeof backends / sizeof *backends; ++i)
    {
      resets (backends [i]);
      regular_file (backends [i]);

      for (left = MANY; left <= LOWERED; ++left)
        {
          forks (backends [i], left, 0);
          forks (backends [i], left, 1);
        }
    }

  puts ("done");
  return 0;
}
