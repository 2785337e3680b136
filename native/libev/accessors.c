/* Part of libev.c: functions through which the other files use libev's static variables and its loop's fields. */

ev_signal *
mood_ev_signal_head (int signum)
{
  return (ev_signal *)signals [signum - 1].head;
}

struct ev_loop *
mood_ev_signal_loop (int signum)
{
  return __atomic_load_n (&signals [signum - 1].loop, __ATOMIC_ACQUIRE);
}

/* Detaches a signal from its loop and its watchers, and touches no watcher. */
void
mood_ev_signal_detach (int signum)
{
  __atomic_store_n (&signals [signum - 1].loop, (struct ev_loop *)0, __ATOMIC_SEQ_CST);
  signals [signum - 1].head = 0;
  signals [signum - 1].pending = 0;
}

ev_child *
mood_ev_child_head (int chain)
{
  return (ev_child *)childs [chain];
}

int
mood_ev_child_chains (void)
{
  return sizeof childs / sizeof *childs;
}

/* Makes libev call mood_hook_waitpid in its next iteration, as after a SIGCHLD. Watchers of SIGCHLD are not called. */
void
mood_ev_child_wake (struct ev_loop *loop)
{
  ev_feed_event (EV_A_ & childev, EV_SIGNAL);
}

/* libev keeps its default loop in a static variable, and does not clear it. If it were not cleared here, the new default loop would take
 * over the references, the userdata and the active internal watchers of the previous one. */
struct ev_loop *
mood_ev_default_fresh (unsigned flags)
{
  memset (&default_loop_struct, 0, sizeof default_loop_struct);
  return ev_default_loop (flags);
}

int
mood_ev_done (struct ev_loop *loop)
{
  return loop->loop_done;
}

double
mood_ev_monotonic (struct ev_loop *loop)
{
  return loop->mn_now;
}

/* The embedded loop of an embed's prepare. A prepare without an owner belongs to an embed. */
/* clang-format off */
#define EMBED_OF(w) ((mood_embed *)((char *)(w) - offsetof (ev_embed, prepare)))
#define EMBEDDED(w) (EMBED_OF (w)->ev.other)
/* clang-format on */

/* Whether the loop has a wake that its fd does not announce, and that its next run handles. Such a wake
 * - is not in the eventfd: pipe_write_skipped. A wake in the eventfd is left to the poll of the outer loop, because a Start(Once) of the outer loop
 *   ends only after a poll that finds something;
 * - was sent: async_pending or sig_pending. Otherwise mood_ev_do_not_wait has set pipe_write_skipped;
 * - is new. If the event of pipe_w is pending, the last run has found the wake, and Loop.Callback has left it: has_left_wake. */
static int
has_wake (struct ev_loop *loop)
{
  return loop->pipe_write_skipped && (loop->async_pending || loop->sig_pending) && !ev_is_pending (&loop->pipe_w);
}

/* Whether an embedded loop has a new epoll fd that this loop does not watch yet. mood_embed_renew watches it when this loop runs. */
static int
has_new_fd (struct ev_loop *loop)
{
  int i;

  for (i = 0; i < loop->preparecnt; ++i)
    if (!loop->prepares [i]->owner)
      {
        mood_embed *w = EMBED_OF (loop->prepares [i]);

        if (w->generation != ((mood_loop *)w->ev.other->userdata)->generation && mood_ev_backend_fd (w->ev.other) >= 0)
          return 1;
      }

  return 0;
}

/* Whether this loop, or a loop that is embedded in it, has work that needs no wait. The outer loop, in which this one is embedded, calls
 * this before it waits for this loop's fd. Returns 0 if there is no such work. Otherwise the result changes from call to call while these
 * loops make progress.
 * A due reset is such work: the old fd may be closed, and the outer loop would get no event from it.
 * libev writes a wake to the kernel only while pipe_write_wanted is set. This function sets it, because the outer loop may wait now. */
int
mood_ev_changes (struct ev_loop *loop)
{
  unsigned changes, inner;
  int i;

  loop->pipe_write_wanted = 1;
  __atomic_thread_fence (__ATOMIC_SEQ_CST);

  changes = loop->fdchangecnt || loop->postfork || has_wake (loop) || has_new_fd (loop) ? 2 * loop->loop_count + 1 : 0;

  /* This loop and an embedded one may have run equally often, so both may give the same number. The factor keeps the two apart: otherwise new
   * work of the embedded loop could look like old work of this loop. The last bit is set if there is any work. */
  for (i = 0; i < loop->preparecnt; ++i)
    if (!loop->prepares [i]->owner)
      {
        inner = (unsigned)mood_ev_changes (EMBEDDED (loop->prepares [i]));
        changes = (changes * 65599 + inner) | ((changes | inner) & 1);
      }

  return (int)changes;
}

/* Whether a test holds for this loop, or for one that is embedded in it. */
static int
holds (struct ev_loop *loop, int (*test) (struct ev_loop *))
{
  int i;

  if (test (loop))
    return 1;

  for (i = 0; i < loop->preparecnt; ++i)
    if (!loop->prepares [i]->owner && holds (EMBEDDED (loop->prepares [i]), test))
      return 1;

  return 0;
}

static int
is_always_ready (struct ev_loop *loop)
{
#if EV_USE_EPOLL
  int i;

  if (loop->backend == EVBACKEND_EPOLL)
    for (i = 0; i < loop->epoll_epermcnt; ++i)
      {
        ANFD *anfd = loop->anfds + loop->epoll_eperms [i];

        if (anfd->emask & EV_EMASK_EPERM && anfd->events & (EV_READ | EV_WRITE))
          return 1;
      }
#endif
  (void)loop;
  return 0;
}

/* Whether the loop has a wake that Loop.Callback has left. As long as it is left, libev writes no wake to the kernel. */
static int
has_left_wake (struct ev_loop *loop)
{
  return loop->pipe_write_skipped && ev_is_pending (&loop->pipe_w);
}

static int
has_events (struct ev_loop *loop)
{
  return mood_ev_has_new (loop) || is_always_ready (loop) || has_left_wake (loop);
}

/* Whether this loop, or one that is embedded in it, has events that no file descriptor announces: a watcher is pending, also one of libev's own
 * (mood_child_wake), or there is an io of a regular file. epoll does not take such a file, and libev itself reports it in each iteration. */
int
mood_ev_has_events (struct ev_loop *loop)
{
  return holds (loop, has_events);
}

/* Makes the loop's next poll return without a wait. It is the poll of the present iteration, or if that is over, of the next one. */
void
mood_ev_do_not_wait (struct ev_loop *loop)
{
  loop->pipe_write_skipped = 1;
}

/* Called after each poll: makes libev handle each wake that has begun.
 *
 * libev wakes a loop in two steps. First it sets async_pending or sig_pending. Then it sets pipe_write_skipped, or writes to the pipe. The
 * poll only sees the second step. Another thread, or a signal handler, may be between the two steps, and then the loop's own thread may send
 * a wake too. libev finds the first step done and does nothing more. Without this function, a run that does not wait would end and leave the
 * wake of its own thread unhandled. */
void
mood_ev_take_wakes (struct ev_loop *loop)
{
  mood_loop *l = (mood_loop *)loop->userdata;

  if (l->polled == loop->loop_count)
    return;

  l->polled = loop->loop_count;

  if (loop->async_pending || loop->sig_pending)
    ev_feed_event (EV_A_ & loop->pipe_w, EV_CUSTOM);
}

/* Called right before the poll. The embed's prepare has run the embedded loops that had work. A callback that came later may have given one
 * of them new work. Then this loop does not wait, and the next iteration runs them. If a run has made no progress, this loop waits. */
void
mood_ev_look_below (struct ev_loop *loop)
{
  int i, changes;

  for (i = 0; i < loop->preparecnt; ++i)
    if (!loop->prepares [i]->owner)
      {
        mood_embed *w = EMBED_OF (loop->prepares [i]);

        changes = mood_ev_changes (w->ev.other);

        if ((changes && changes != w->seen) || mood_ev_has_events (w->ev.other))
          mood_ev_do_not_wait (loop);
      }
}

/* -1: the system has refused to make the fd again. */
int
mood_ev_backend_fd (struct ev_loop *loop)
{
#if __linux__
  if (loop->backend_fd == NO_FD)
    return -1;
#endif

  return loop->backend_fd;
}

#if EV_USE_EPOLL

/* Stores why libev is about to stop the watchers of an fd. EV_ERROR does not carry the errno. */
static void
note_error (struct ev_loop *loop, int fd, int error)
{
  WL w;

  for (w = loop->anfds [fd].head; w; w = w->next)
    if (w->owner)
      ((mood_io *)w)->error = error;
    else if (w->kind == MOOD_EMBED)
      ((mood_embed *)((char *)w - offsetof (ev_embed, io)))->error = error;
}

/* The kernel refused to watch an fd (errno). libev is about to stop the fd's watchers, to feed them EV_ERROR, and then to wait
 * for other events. A wake prevents that wait. Watchers of the program get EV_ERROR. libev's own watchers, such as that of the
 * loop's eventfd, would be lost without an error. So they stay active, the loop fails, and its next run tries again. */
static int
refuse (int fd)
{
  mood_loop *l = mood_current;
  int error = errno;
  WL w;

  if (!l || !l->open)
    return -1;

  ev_async_send (l->ev, &l->wake);

  for (w = l->ev->anfds [fd].head; w; w = w->next)
    if (w->owner || w == (WL)l->registering
        || ((w->kind == MOOD_EMBED || w->kind == MOOD_CHILD) && (error == EBADF || error == EINVAL || error == ELOOP)))
      {
        note_error (l->ev, fd, error);
        errno = error;
        return -1;
      }

  mood_error_record (l, error, "The kernel refuses to watch a file descriptor that the loop needs");
  l->ev->anfds [fd].events = 0; /* not watched */
  fd_change (l->ev, fd, EV_ANFD_REIFY);
  return 0;
}

#endif

/* libev has read the wall clock, and is about to compute the next times of all periodics from it: set_timerfd in libev/reset.c. The periodics
 * that are due become pending. If the wall clock was set, the old clock tells which ones are due, because a step calls no periodic.
 * For half a second, libev does not read the wall clock again. It adds rtmn_diff to the monotonic clock. With the rtmn_diff from before a step, it
 * would go back to the old wall clock: after a step of an hour it would wait an hour too long, or call periodics an hour too early. */
void
mood_ev_reify_periodics (struct ev_loop *loop, const struct timespec *wall, const struct timespec *monotonic)
{
  double now = EV_TS_GET (*wall), expected = loop->rtmn_diff + EV_TS_GET (*monotonic);
  int i, was_set = now - expected >= MIN_TIMEJUMP || expected - now >= MIN_TIMEJUMP;

  ev_rt_now = was_set ? expected : now;
  loop->rtmn_diff = now - EV_TS_GET (*monotonic);

  for (i = HEAP0; i < loop->periodiccnt + HEAP0; ++i)
    {
      ev_periodic *w = (ev_periodic *)ANHE_w (loop->periodics [i]);

      /* a periodic for one call keeps its time */
      if (ANHE_at (loop->periodics [i]) < ev_rt_now && (w->interval || w->reschedule_cb))
        {
          periodics_reify (loop);
          mood_ev_do_not_wait (loop);
          return;
        }
    }
}

/* For a new loop: notes which optional files its flags allow. */
void
mood_ev_may_open (struct ev_loop *loop)
{
  mood_loop *l = (mood_loop *)loop->userdata;

#if EV_USE_INOTIFY
  l->inotify = loop->fs_fd == -2;
#endif
#if EV_USE_TIMERFD
  l->steps = loop->timerfd == -2;
#endif
  (void)l;
}

/* libev opens inotify and the timerfd at the first start of a watcher that uses them. If the system refuses one (-1), libev never asks
 * again. Then changes of files would be noticed late for ever, although there was only a short lack of file descriptors. So each start of
 * such a watcher (its kind) makes libev ask again (-2). */
void
mood_ev_open (struct ev_loop *loop, int kind)
{
  mood_loop *l = (mood_loop *)loop->userdata;

#if EV_USE_INOTIFY
  if (kind == MOOD_STAT && l->inotify && loop->fs_fd == -1)
    loop->fs_fd = -2;
#endif
#if EV_USE_TIMERFD
  if ((kind == MOOD_PERIODIC || kind == MOOD_SCHEDULER) && l->steps && loop->timerfd == -1)
    loop->timerfd = -2;
#endif
  (void)l;
  (void)kind;
}

/* Compares every watched file with its last status, because the events of the replaced inotify are lost. */
void
mood_ev_reread (struct ev_loop *loop)
{
#if EV_USE_INOTIFY
  mood_loop *l = (mood_loop *)loop->userdata;
  WL w, next;
  int slot;

  if (!l->reread)
    return;

  l->reread = 0;

  for (slot = 0; slot < (EV_INOTIFY_HASHSIZE); ++slot)
    for (w = loop->fs_hash [slot].head; w; w = next)
      {
        next = w->next; /* a changed file is watched again, which moves w in the list */
        stat_timer_cb (loop, &((ev_stat *)w)->timer, 0);
      }
#else
  (void)loop;
#endif
}

/* Calls ev_loop_destroy, and frees two arrays that libev leaks in linuxaio_destroy and when linuxaio falls back to epoll. */
void
mood_ev_destroy (struct ev_loop *loop)
{
#if EV_USE_LINUXAIO
  void *iocbs = loop->linuxaio_iocbps, *submits = loop->linuxaio_submits;
#endif

  ev_loop_destroy (EV_A);

#if EV_USE_LINUXAIO
  ev_free (iocbs);
  ev_free (submits);
#endif
}
