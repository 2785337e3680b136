/* Part of libev.c: io_uring. ring.c makes the ring, also after a fork. */

#if EV_USE_IOURING

static void lose_ring (mood_loop *l);

static const unsigned get_events = 1; /* IORING_ENTER_GETEVENTS */

/* Whether no request can be added: the ring is full, and the completion queue is empty, so that no completion can be handled to
 * help the kernel. */
static int
is_stuck (struct ev_loop *loop, long due)
{
  char *requests = (char *)loop->iouring_sq_ring, *completions = (char *)loop->iouring_cq_ring;

  return due >= (long)*(unsigned *)(requests + loop->iouring_sq_ring_entries)
         && *(volatile unsigned *)(completions + loop->iouring_cq_head)
                == *(volatile unsigned *)(completions + loop->iouring_cq_tail);
}

/* Replaces io_uring_enter, because libev has three faults with today's kernels:
 * 1. A slot of the ring may have held a request to add a poll. When libev reuses the slot for a request to remove a poll, it
 *    leaves the old events in the slot. The kernel refuses such a request with EINVAL. So this function clears the events.
 * 2. The kernel stops submitting at a refused request, but libev counts all requests as submitted. The later ones would stay in
 *    the ring, and their fds would never be watched.
 * 3. The same happens after a call that fails.
 * So this function submits all requests that are in the ring, and ignores libev's count. */
static long
enter_iouring (struct ev_loop *loop, long fd, long to_submit, long min_complete, long flags, long mask, long size)
{
  unsigned i, tail = *(volatile unsigned *)((char *)loop->iouring_sq_ring + loop->iouring_sq_tail);
  unsigned head = *(volatile unsigned *)((char *)loop->iouring_sq_ring + loop->iouring_sq_head);
  unsigned ring_mask = *(unsigned *)((char *)loop->iouring_sq_ring + loop->iouring_sq_ring_mask);
  long due = tail - head, submitted = 0, result;

  for (i = head; i != tail; ++i)
    {
      struct io_uring_sqe *sqe = (struct io_uring_sqe *)loop->iouring_sqes + (i & ring_mask);

      if (sqe->opcode == IORING_OP_POLL_REMOVE)
        sqe->poll_events = 0;
    }

  /* libev would wait, but no timer limits the wait: the rest of the time is too short for a later time than the present (is_needless_timer). */
  if (mood_current->unarmed)
    flags &= ~get_events;

  do
    {
      result = syscall (SYS_io_uring_enter, fd, due - submitted, min_complete, flags, mask, size);

      if (result < 0 && !submitted && errno != EINTR && is_stuck (loop, due))
        lose_ring (mood_current);

      /* mood_ev_refill counts the requests that are left */
      if (result < 0)
        return submitted ? to_submit : result;

      submitted += result;
    }
  while (result && submitted < due);

  return submitted == due ? to_submit : submitted;
}

#endif

/* Whether libev sets the timerfd of io_uring for a poll that does not wait. Such a poll needs no timer, and with a timer of the present time the
 * next iteration would have an event of it: see disarm_timer. */
static int
is_needless_timer (struct ev_loop *loop, int fd)
{
#if EV_USE_IOURING
  mood_loop *l = (mood_loop *)loop->userdata;

  if (loop->backend == EVBACKEND_IOURING && fd == loop->iouring_tfd)
    {
      l->unarmed = loop->iouring_tfd_to <= loop->mn_now;

      if (l->unarmed)
        loop->iouring_tfd_to = EV_TSTAMP_HUGE;

      return l->unarmed;
    }
#endif

  (void)loop;
  (void)fd;
  return 0;
}

#if EV_USE_IOURING

/* Handles the event of the timerfd with which a loop on io_uring limits its wait. libev never reads this timerfd, so after its time it is ready
 * until libev sets it again. A loop that does not wait, or whose Callback leaves the event, would have an event of it in every iteration. It
 * would spin, and never call an Idle of the lowest priority. So the timerfd is disarmed. */
static void
disarm_timer (struct ev_loop *loop)
{
  const struct itimerspec never = { 0 };

  if (!ev_is_pending (&loop->iouring_tfd_w))
    return;

  ev_clear_pending (EV_A_ & loop->iouring_tfd_w);
  mood_ev_drop_cleared (EV_A);
  (timerfd_settime) (loop->iouring_tfd, 0, &never, 0);
  loop->iouring_tfd_to = EV_TSTAMP_HUGE;
}

#endif

/* Called before each walk.
 * When the completion queue is full, the kernel keeps further completions until io_uring_enter asks for events. libev calls it
 * only to wait. A loop that never waits, because it has an idle watcher or runs with NoWait, would see no more events. */
void
mood_ev_refill (struct ev_loop *loop)
{
#if EV_USE_IOURING
  const unsigned overflown = 2; /* IORING_SQ_CQ_OVERFLOW */

  mood_loop *l = (mood_loop *)loop->userdata;
  char *ring = (char *)loop->iouring_sq_ring;

  if (loop->backend != EVBACKEND_IOURING || loop->iouring_fd == NO_FD)
    return;

  l->unarmed = 0;
  disarm_timer (loop);

  if (*(volatile unsigned *)(ring + loop->iouring_sq_flags) & overflown)
    syscall (SYS_io_uring_enter, loop->iouring_fd, 0, 0, get_events, 0, 0);

  /* After a failed call, libev's count of requests is 0. A loop that never waits would not submit those that are left in the ring. */
  loop->iouring_to_submit =
      *(volatile unsigned *)(ring + loop->iouring_sq_tail) - *(volatile unsigned *)(ring + loop->iouring_sq_head);
#else
  (void)loop;
#endif
}

/* iouring_fork (after Reset, and when the completion queue overflows) starts libev's timerfd watcher again and does not release
 * the watcher's reference. Then the loop would never end. iouring_fork always calls iouring_internal_init, which sets a field
 * that libev uses nowhere else. So this function writes a mark into that field. When the mark is gone, a reference has leaked. */
void
mood_ev_return_reference (struct ev_loop *loop)
{
#if EV_USE_IOURING
  mood_loop *l = (mood_loop *)loop->userdata;

  if (loop->backend != EVBACKEND_IOURING)
    return;

  if (l->iouring_mark && loop->iouring_sq_dropped != l->iouring_mark)
    ev_unref (EV_A);

  loop->iouring_sq_dropped = l->iouring_mark = 0xffffffffU;
#else
  (void)loop;
#endif
}

/* If a file cannot be polled at all, the kernel refuses every attempt. Any other file is accepted at the next attempt. So more
 * refusals than this within a second mean that the file cannot be polled. */
#define REFUSALS 10000

static int
is_hopeless (mood_loop *l)
{
  struct timespec now;

  (clock_gettime) (CLOCK_MONOTONIC, &now);

  if (now.tv_sec != l->refusals_second)
    l->refusals = 0;

  l->refusals_second = now.tv_sec;
  return ++l->refusals > REFUSALS;
}

/* The kernel may end a request to poll with an error that libev does not know. libev would report an error of the whole loop, and never
 * watch the fd again. This function has the request submitted again after two errors:
 *   ECANCELED  the thread that submitted the request has ended. The loop may run on another thread.
 *   EINVAL     a file with two wait queues woke the request although nothing is ready. A terminal does so when its mode is
 *              changed. The kernel (6.18) polls again within the same request, finds the entry of the second queue already
 *              there, and ends the request.
 * With any other error the kernel has refused to watch the fd, for example because no memory is left: see refuse in libev/accessors.c.
 * It is called while libev processes the completions. It sets `res` of each completion with this error to 0, so that libev ignores the
 * completion, and returns how many it has found. */
int
mood_ev_ask_again (struct ev_loop *loop, int error)
{
  int found = 0;
#if EV_USE_IOURING
  mood_loop *l = (mood_loop *)loop->userdata;
  char *ring = (char *)loop->iouring_cq_ring;
  struct io_uring_cqe *cqes;
  unsigned i, head, tail, mask;

  /* While libev cannot make a new ring after a fork, there is none. */
  if (loop->backend != EVBACKEND_IOURING || loop->iouring_cq_ring == MAP_FAILED)
    return 0;

  cqes = (struct io_uring_cqe *)(ring + loop->iouring_cq_cqes);
  head = *(volatile unsigned *)(ring + loop->iouring_cq_head);
  tail = *(volatile unsigned *)(ring + loop->iouring_cq_tail);
  mask = *(unsigned *)(ring + loop->iouring_cq_ring_mask);
  ECB_MEMORY_FENCE_ACQUIRE;

  for (i = head; i != tail; ++i)
    {
      struct io_uring_cqe *cqe = cqes + (i & mask);
      int fd = (int)(cqe->user_data & 0xffffffffU);

      if (cqe->res != -error || cqe->user_data == (uint64_t)-1
          || (uint32_t)(cqe->user_data >> 32) != (uint32_t)loop->anfds [fd].egen)
        continue;

      errno = error;

      if (error == ECANCELED || (error == EINVAL && !is_hopeless (l)))
        {
          loop->anfds [fd].events = 0;
          fd_change (loop, fd, EV_ANFD_REIFY);
        }
      else if (error == EINVAL || refuse (fd))
        {
          note_error (loop, fd, error);
          fd_kill (loop, fd);
        }

      cqe->res = 0;
      ++found;
    }
#else
  (void)loop;
  (void)error;
#endif
  return found;
}
