/* Part of libev.c, before ev.c: hooks of the system calls with which libev makes and closes its file descriptors. Hooks that need
 * the fields of libev's loop are defined in libev/reset.c. */

#if __linux__

/* A daemon closes all file descriptors of its process, also those of a loop. Files that it opens later may get the same numbers. A
 * loop must not close or replace those files. So each file of a loop carries a mark that names its role and its loop. The mark is
 * the signal number of F_SETSIG, which the kernel stores with the open file and uses only with O_ASYNC, which is not set. Every
 * twelfth loop has the same marks. Measured: a check takes 0.4 us per file. Reading the identity in /proc would take 11 us. */
enum role { BACKEND, EVENTFD, TIMERFD, INOTIFY, IOURING_TIMERFD };

# define LOOPS 12 /* LOOPS times the number of roles must be less than 64, the number of signals */

static int
mark_of (mood_loop *l, enum role role)
{
  return 1 + (int)role * LOOPS + (int)(l->serial % LOOPS);
}

static int
mark (enum role role, int fd)
{
  mood_loop *l = mood_current;

  if (fd >= 0 && l && fcntl (fd, F_SETSIG, mark_of (l, role)) < 0)
    l->unmarked = 1;

  return fd;
}

static int
is_own (mood_loop *l, enum role role, int fd)
{
  return fd >= 0 && (l->unmarked || fcntl (fd, F_GETSIG) == mark_of (l, role));
}

/* A forked child uses its parent's files until its next iteration replaces them. It must keep none of them, because a change through a
 * shared file also changes the parent's loop. A forked child begins with one thread, so no other thread takes the number of a closed file.
 * So it closes each old file first, and the number is free for the new file. */
static int
is_forked (mood_loop *l)
{
  return l->process && l->process != getpid ();
}

static int has_eventfd (mood_loop *l);

/* The loop's eventfd is made before libev asks for it. So EMFILE is an error of the constructor or of Reset, and libev does not
 * retry for ever. */
int
mood_ev_reserve (mood_loop *l)
{
  mood_loop *outer = mood_current;

  if (is_own (l, EVENTFD, l->spare) || (is_forked (l) && has_eventfd (l)))
    return 0;

  mood_current = l;
  l->spare = mark (EVENTFD, eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC));
  mood_current = outer;
  return l->spare < 0 ? -errno : 0;
}

static void drop_ring (mood_loop *l);

void
mood_ev_drop_reserve (mood_loop *l)
{
  if (is_own (l, EVENTFD, l->spare))
    close (l->spare);

  l->spare = -1;
  drop_ring (l);
}

/* libev closes its epoll fd before it creates a new one. If no fd is left, another thread may take the freed number in between.
 * So close_own does not close the old epoll fd, but stores it here. make_epoll closes it after the new one was created, or returns
 * it if none can be created. */
static __thread int old_epoll = -1;

/* A placeholder: no fd has this number. An existing loop gets it when the system refuses a new fd for its backend. libev has already
 * closed the old fd. Without the placeholder, libev would retry for ever. The kernel refuses every call with this number. The loop fails,
 * and its next run tries to make the fd again. */
enum { NO_FD = 0x7fffffff };

/* Some backends watch their own fd with an ev_io, and libev's table of fds is as long as the largest fd that is watched. So an ev_io for
 * NO_FD gets the number 0 and no events: the kernel is never asked about it. */
# undef ev_io_set
# define ev_io_set(ev, fd_, events_)                               \
  do                                                               \
   {                                                               \
    (ev)->fd = (fd_) == NO_FD ? 0 : (fd_);                         \
    (ev)->events = EV__IOFDSET | ((fd_) == NO_FD ? 0 : (events_)); \
   }                                                               \
  while (0)

static void leave_iouring (mood_loop *l);

static int
make_epoll (int flags)
{
  mood_loop *l = mood_current;
  int fd, old = old_epoll;

  if (l && l->open)
    leave_iouring (l);

  fd = mark (BACKEND, epoll_create1 (flags));
  old_epoll = -1;

  if (old >= 0 && fd < 0)
    return old;

  if (old >= 0)
    close (old);

  if (fd < 0 && l && l->open)
    {
      mood_error_record (l, errno, "(libev) epoll_create");
      ev_async_send (l->ev, &l->wake); /* linuxaio would wait for other events */
      return NO_FD;
    }

  /* an embed of this loop compares the generation, and the constructor takes the error */
  if (l)
    {
      ++l->generation;
      l->refused = fd < 0 ? errno : 0;
    }

  /* When libev tries several backends in a constructor, it forgets the epoll fd of a backend that failed. */
  if (l && !l->ev)
    {
      if (l->made >= 0)
        close (l->made);

      l->made = fd;
    }

  return fd;
}

/* The kernel may refuse to watch an fd: no memory is left, or the user's limit is reached. Then libev stops the fd's watchers.
 * refuse (libev/accessors.c) handles that. */
static int refuse (int fd);

static int
watch_fd (int epoll, int op, int fd, struct epoll_event *ev)
{
  int result = epoll == NO_FD ? 0 : mood_watch_fails () ? -1 : epoll_ctl (epoll, op, fd, ev);

  /* libev handles ENOENT, EEXIST and EPERM itself, and also every error of EPOLL_CTL_DEL. It uses that operation only for an fd that was
   * closed in this process but still gets events, because a forked process has it open. */
  return result && op != EPOLL_CTL_DEL && errno != ENOENT && errno != EEXIST && errno != EPERM ? refuse (fd) : result;
}

static int has_inotify (mood_loop *l);

/* libev replaces the inotify fd whenever it renews its files, and the events in the old one are lost. So the status of all files is read
 * again, before the loop waits (mood_ev_reread). */
static int
make_inotify (int flags)
{
  mood_loop *l = mood_current;

  if (l && has_inotify (l))
    {
      l->reread = 1;
      ev_async_send (l->ev, &l->wake);
    }

  return mark (INOTIFY, inotify_init1 (flags));
}

/* inotify reports changes of the file. It does not report that the path leads to another file, after a symbolic link or a
 * directory in the path was replaced. If statfs reports a local file system, libev relies on inotify alone. This statfs always
 * fails, so that libev also reads the status at the watcher's interval. */
# define statfs(path, status) -1

static int remove_watch (struct ev_loop *loop, int fd, int watch);
static int take_ring_timerfd (void);

static int
make_timerfd (int clock, int flags)
{
  return clock == CLOCK_MONOTONIC ? take_ring_timerfd () : mark (TIMERFD, timerfd_create (clock, flags));
}

static int set_timerfd (struct ev_loop *loop, int fd, int flags, const struct itimerspec *time);

/* The eventfd that libev was given last on this thread, or -1. It has close-on-exec and is non-blocking. */
static __thread int given_eventfd = -1;

/* libev sets both flags on each fd that it makes, with two system calls. The eventfd above has them already, so the calls are left out.
 * They are made for any other fd, such as the pipe that libev uses when it gets no eventfd. */
# define fcntl(fd, command, ...) \
  ((fd) == given_eventfd && ((command) == F_SETFD || (command) == F_SETFL) ? 0 : fcntl (fd, command, ##__VA_ARGS__))

static void *take_ring_map (unsigned long long offset);
static int unmap_ring (void *map, size_t size);
static int take_eventfd (struct ev_loop *loop, unsigned value, int flags);
static int replace_eventfd (struct ev_loop *loop, int *from, int *to);
static int close_own (struct ev_loop *loop, int fd);

# define epoll_create1(flags) make_epoll (flags)
# define epoll_ctl(epoll, op, fd, ev) watch_fd (epoll, op, fd, ev)
# define inotify_init1(flags) make_inotify (flags)
# define inotify_rm_watch(fd, watch) remove_watch (loop, fd, watch)
# define timerfd_create(clock, flags) make_timerfd (clock, flags)
# define timerfd_settime(fd, flags, time, old) set_timerfd (loop, fd, flags, time)
# define mmap(address, size, protection, flags, fd, offset) take_ring_map (offset)
# define munmap(map, size) unmap_ring (map, size)
# define eventfd(value, flags) take_eventfd (loop, value, flags)
# define dup2(from, to) replace_eventfd (loop, &(from), &(to))
# define close(fd) close_own (loop, fd)

/* The system calls of io_uring and aio, which have no functions in the C library. */
static long hook_syscall (long number, long a, long b, long c, long d, long e, long f);
# define ev_syscall(number, count, a, b, c, d, e, f) \
  hook_syscall (number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

#else

static int keep_wakes (struct ev_loop *loop, int fd);
# define dup2(from, to) keep_wakes (loop, dup2 (from, to))

int
mood_ev_reserve (mood_loop *l)
{
  (void)l;
  return 0;
}

int
mood_ev_reserve_ring (mood_loop *l)
{
  (void)l;
  return 0;
}

void
mood_ev_drop_reserve (mood_loop *l)
{
  (void)l;
}

#endif
