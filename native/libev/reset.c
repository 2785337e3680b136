/* Part of libev.c: the hooks of libev/descriptors.c that need the fields of libev's loop, and functions that register another
 * loop's epoll fd. The function that creates a loop's own epoll fd, also in a reset, is make_epoll in libev/descriptors.c. Loop.Reset
 * itself is mood_loop_reset in loop.c. */

/* libev asks for new backend files, for example after an event of an fd that was closed while a duplicate of it was open. Its next
 * iteration would then call the watchers of forks, although nothing forked. So the files are replaced here, before that. */
void
mood_ev_renew (struct ev_loop *loop)
{
  if (loop->postfork != BACKEND_ONLY)
    return;

  loop_fork (EV_A);

  /* the hook of the clock also does this, but before it is called, the run may end or renew the files again */
  mood_ev_return_reference (loop);
}

/* Whether the files must be replaced in the next iteration. */
int
mood_ev_is_reset_due (struct ev_loop *loop)
{
  return loop->postfork;
}

/* In an iteration, libev first calls the watchers of forks, then those of Prepare, and then replaces its files. If a reset becomes due while
 * watchers of Prepare are called, libev would replace the files and not call the watchers of forks. This function is called after the
 * watchers of Prepare in this case. It has the watchers of forks called after the poll. If the run ends before the poll, the next run calls
 * them anyway. */
void
mood_ev_delay_forks (struct ev_loop *loop)
{
  if (!loop->postfork || loop->loop_done)
    return;

  ((mood_loop *)loop->userdata)->forks = 1;
  mood_ev_do_not_wait (loop);
}

/* Called after the poll. */
void
mood_ev_call_forks (struct ev_loop *loop)
{
  ((mood_loop *)loop->userdata)->forks = 0;
  queue_events (loop, (W *)loop->forks, loop->forkcnt, EV_FORK);
}

#ifdef dup2 /* not on Windows, where mood_port_open keeps the wake */

/* A reset has replaced the eventfd or pipe with which other threads wake the loop. libev writes no second wake while one is pending, so a
 * wake in the old one must not be lost. libev looks for wakes after this iteration's poll, so this poll must not wait. */
static int
keep_wakes (struct ev_loop *loop, int fd)
{
  __atomic_thread_fence (__ATOMIC_SEQ_CST);

  if (loop->async_pending || loop->sig_pending)
    mood_ev_do_not_wait (loop);

  return fd;
}

#endif

#if __linux__

static enum role
role_of (struct ev_loop *loop, int fd)
{
  if (fd == loop->backend_fd)
    return BACKEND;

  if (fd == loop->timerfd)
    return TIMERFD;

  if (fd == loop->fs_fd)
    return INOTIFY;

# if EV_USE_IOURING
  /* `backend` is 0 while libev initializes io_uring. If that fails, libev closes these fds. */
  if (loop->backend == EVBACKEND_IOURING || !loop->backend)
    {
      if (fd == loop->iouring_fd)
        return BACKEND;

      if (fd == loop->iouring_tfd)
        return IOURING_TIMERFD;
    }
# endif

  return EVENTFD;
}

/* Called when a run begins. Makes it ask again for what the system has refused (NO_FD). */
void
mood_ev_retry (struct ev_loop *loop)
{
  if (loop->backend_fd == NO_FD)
    loop->postfork |= BACKEND_ONLY;

  if (loop->evpipe [1] == NO_FD)
    loop->postfork = 1;

# if EV_USE_IOURING
  if (loop->backend == EVBACKEND_IOURING && loop->iouring_fd == NO_FD)
    loop->postfork |= BACKEND_ONLY;
# endif
}

/* libev closes only its own fds. If another file has got the number meanwhile, that file stays open. */
static int
close_own (struct ev_loop *loop, int fd)
{
  mood_loop *l = mood_current;

  if (fd == NO_FD || !is_own (l, role_of (loop, fd), fd))
    return 0;

  if (l->open && fd == loop->backend_fd && loop->backend & (EVBACKEND_EPOLL | EVBACKEND_LINUXAIO))
    {
      /* libev keeps a list of the fds that epoll refuses. With the new epoll fd it would add each of them to the list a second time. */
      while (loop->epoll_epermcnt)
        loop->anfds [loop->epoll_eperms [--loop->epoll_epermcnt]].emask = 0;

      if (!is_forked (l))
        {
          old_epoll = fd; /* make_epoll closes it */
          return 0;
        }
    }

  return (close)(fd);
}

/* Whether libev replaces its inotify fd, and does not make its first one. */
static int
has_inotify (mood_loop *l)
{
  return l->ev->fs_fd >= 0;
}

static int
has_eventfd (mood_loop *l)
{
  return is_own (l, EVENTFD, l->ev->evpipe [1]);
}

/* Replaces eventfd. libev gets the spare, or else a new eventfd. If the system refuses one in a reset, the loop keeps its old eventfd.
 *
 * A forked child shares the spare and the old eventfd with its parent, so it closes both first. libev replaces the eventfd last of all
 * files. So the loop belongs to the child from here on (l->process). */
static int
take_eventfd (struct ev_loop *loop, unsigned value, int flags)
{
  mood_loop *l = mood_current;
  int fd, error;

  if (is_forked (l))
    {
      if (is_own (l, EVENTFD, l->spare))
        (close) (l->spare);

      if (has_eventfd (l))
        (close) (loop->evpipe [1]);

      l->spare = -1;
      l->process = getpid ();
    }

  /* the constructor has made the spare a moment ago */
  fd = !l->open || is_own (l, EVENTFD, l->spare) ? l->spare : mark (EVENTFD, (eventfd)(value, flags));
  error = errno;
  l->spare = -1;
  given_eventfd = fd;

  if (fd >= 0 || !l->open)
    return fd;

  if (has_eventfd (l))
    return loop->evpipe [1];

  /* There is no old eventfd to keep: a forked child has closed it above, or another part of the process has closed it. */
  mood_error_record (l, error, "(libev) eventfd");
  return NO_FD;
}

/* A reset keeps the number of the eventfd, because another thread may be about to write to this number. If the number belongs to
 * another file by now, the eventfd gets another one. dup2 would drop close-on-exec until libev's next system call, and a process that
 * another thread starts in between would inherit the fd. */
static int
replace_eventfd (struct ev_loop *loop, int *from, int *to)
{
  int fd = *from;

  *from = -1; /* libev closes *from after this call */

  if (fd != *to && is_own (mood_current, EVENTFD, *to))
    {
      dup3 (fd, *to, O_CLOEXEC);
      (close) (fd);
    }
  else
    *to = fd;

  return keep_wakes (loop, *to);
}

/* libev sets the timerfd that reports steps of the wall clock when it makes it, after each step, and after a reset. Each time it reads the wall
 * clock next, and then computes the times of all periodics again. Calls that are due would be skipped. So mood_hook_clock_gettime makes them
 * pending (mood_ev_reify_periodics). */
static int
set_timerfd (struct ev_loop *loop, int fd, int flags, const struct itimerspec *time)
{
  if (fd == loop->timerfd) /* not the timerfd of io_uring, which is set here too */
    ((mood_loop *)loop->userdata)->reschedules = 1;

  return is_needless_timer (loop, fd) ? 0 : (timerfd_settime)(fd, flags, time, 0);
}

/* A forked child that stops a Stat before it has replaced its inotify must not remove its parent's watch. */
static int
remove_watch (struct ev_loop *loop, int fd, int watch)
{
  return is_forked ((mood_loop *)loop->userdata) ? 0 : (inotify_rm_watch)(fd, watch);
}

# if EV_USE_LINUXAIO

/* A reset replaces the aio context. libev destroys the old one first, and then retries for ever if other processes have taken
 * all contexts meanwhile (fs.aio-max-nr). So the new context is made first, and if that fails the old one stays in use. The
 * old one may still deliver events of requests that libev has forgotten. Their fds get a new generation, by which libev
 * drops those events. */
static long
renew_aio (struct ev_loop *loop, unsigned long old)
{
  mood_loop *l = mood_current;
  int fd;

  if (!syscall (SYS_io_setup, linuxaio_nr_events (loop), &l->aio))
    return syscall (SYS_io_destroy, old);

  l->aio = 0;

  /* a forked child has none of its parent's contexts */
  if (syscall (SYS_io_getevents, old, 0, 0, 0, 0))
    return -1;

  for (fd = 0; fd < loop->anfdmax; ++fd)
    ++loop->anfds [fd].egen;

  l->aio = old;
  return 0;
}

# endif

static long
hook_syscall (long number, long a, long b, long c, long d, long e, long f)
{
  mood_loop *l = mood_current;
# if EV_USE_LINUXAIO
  struct io_event cancelled = { 0 };
  struct timespec no_time = { 0 };
# endif

  if ((number == SYS_io_getevents || number == SYS_io_uring_enter) && mood_wait_fails ())
    return -1;

# if EV_USE_LINUXAIO
  /* io_submit has found that the eventfd is closed, so nothing could end the wait. */
  if (number == SYS_io_getevents && is_lost (l->ev, &l->ev->pipe_w))
    e = (long)&no_time;
# endif

# if EV_USE_IOURING
  if (number == SYS_io_uring_enter)
    return enter_iouring (l->ev, a, b, c, d, e, f);

  if (number == SYS_io_uring_setup)
    return take_ring (l, (unsigned)a, (struct io_uring_params *)b);
# endif

# if EV_USE_LINUXAIO
  if (number == SYS_io_destroy && l->open && l->ev->postfork)
    return renew_aio (l->ev, (unsigned long)a);

  /* The kernel no longer writes this result, and libev passes no memory for it. valgrind reports that as a wrong access. */
  if (number == SYS_io_cancel)
    c = (long)&cancelled;

  if (number == SYS_io_setup && l->aio)
    {
      *(unsigned long *)b = l->aio;
      l->aio = 0;
      return 0;
    }
# endif

  return syscall (number, a, b, c, d, e, f);
}

#else

void
mood_ev_retry (struct ev_loop *loop)
{
  (void)loop;
}

#endif

/* At the end of a constructor: closes the epoll fd of a backend that libev tried and did not use. */
void
mood_ev_made (mood_loop *l)
{
#if __linux__
  unsigned backend = l->ev ? ev_backend (l->ev) : 0;

  if (l->made >= 0 && !(backend & (EVBACKEND_EPOLL | EVBACKEND_LINUXAIO)))
    {
      (close) (l->made);

      if (l->ev)
        l->ev->backend_fd = -1;
    }

  l->made = -1;
  l->process = getpid ();
#else
  (void)l;
#endif
}

/* Whether the next iteration replaces the epoll fd. Then the present one must not be changed. */
static int
is_epoll_due (struct ev_loop *loop)
{
#if __linux__
  return loop->postfork || is_forked ((mood_loop *)loop->userdata);
#else
  return loop->postfork;
#endif
}

/* Registers an embed's io with the kernel at once, so that the caller can report a refusal. epoll limits how deeply epoll fds may
 * be nested. Returns 0 or an errno. */
int
mood_ev_register (struct ev_loop *loop, ev_io *w)
{
  mood_loop *l = (mood_loop *)loop->userdata;

  /* While a reset is due, a refusal shows in the loop's next iteration. */
  if (loop->backend != EVBACKEND_EPOLL || is_epoll_due (loop))
    return 0;

  l->registering = w;
  errno = 0;
  fd_reify (loop);
  l->registering = 0;
  return ev_is_active (w) ? 0 : errno ? errno : EINVAL;
}

/* libev leaves an unwatched fd in epoll until the fd's next event. Another loop's epoll fd must be removed at once, because the
 * kernel counts it as nested and refuses circles. If the number belongs to another file by now, it stays in epoll, because that file may be
 * watched too. */
void
mood_ev_unregister (struct ev_loop *loop, mood_loop *other, int fd)
{
#if __linux__
  if (loop->backend == EVBACKEND_EPOLL && !is_epoll_due (loop) && is_own (other, BACKEND, fd))
    (epoll_ctl) (loop->backend_fd, EPOLL_CTL_DEL, fd, 0);
#else
  (void)loop;
  (void)other;
  (void)fd;
#endif
}
