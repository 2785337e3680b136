/* Part of libev.c: another part of the process has closed a file that libev itself needs, such as the eventfd. Most backends notice it: libev
 * then stops the io of that file and feeds it EV_ERROR. libev's own callbacks do not expect that. The io would stay stopped and its reference
 * missing, and a reset replaces only files whose io is active.
 *
 * So the io is started again at once. The run fails, and each later run fails before it polls, until a reset makes the file again: the number may
 * belong to another file by now. epoll and io_uring forget a closed file without an error, so the loop is not told there. */

/* `postfork` of libev. Other values mean a fork or a Reset: the watchers of forks are called, and all files are replaced. */
enum { BACKEND_ONLY = 2 };

/* A reset of all files, not of the backend alone. */
static int
is_renewal_due (struct ev_loop *loop)
{
  return loop->postfork && loop->postfork != BACKEND_ONLY;
}

static int
is_lost (struct ev_loop *loop, ev_io *w)
{
  return ev_is_pending (w) && !ev_is_active (w) && loop->pendings [ABSPRI (w)][w->pending - 1].events & EV_ERROR;
}

static int
find_lost (struct ev_loop *loop, ev_io *w)
{
  if (!is_lost (loop, w))
    return 0;

  ev_clear_pending (loop, w);
  ev_io_start (loop, w);
  return 1;
}

static void
fail_lost (mood_loop *l)
{
  mood_error_record (l, EBADF, "A file descriptor of the loop was closed");
}

/* Called after each poll, before the walk. */
void
mood_ev_find_lost (struct ev_loop *loop)
{
  mood_loop *l = (mood_loop *)loop->userdata;
  int lost = find_lost (loop, &loop->pipe_w);

#if EV_USE_TIMERFD
  lost |= find_lost (loop, &loop->timerfd_w);
#endif
#if EV_USE_INOTIFY
  lost |= find_lost (loop, &loop->fs_w);
#endif
#if EV_USE_LINUXAIO
  lost |= find_lost (loop, &loop->linuxaio_epoll_w);
#endif
#if EV_USE_IOURING
  if (loop->backend == EVBACKEND_IOURING)
    lost |= find_lost (loop, &loop->iouring_tfd_w);
  else if (is_lost (loop, &loop->iouring_tfd_w)) /* the loop has changed to epoll in the same poll */
    {
      ev_clear_pending (loop, &loop->iouring_tfd_w);
      ev_ref (EV_A);
    }
#endif

  if (!lost || is_renewal_due (loop))
    return;

  l->lost = 1;
  fail_lost (l);
}

/* Called when a run begins. */
void
mood_ev_check_lost (struct ev_loop *loop)
{
  mood_loop *l = (mood_loop *)loop->userdata;

  if (is_renewal_due (loop))
    l->lost = 0;
  else if (l->lost)
    fail_lost (l);
}
