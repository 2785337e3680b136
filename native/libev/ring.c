/* Part of libev.c, before libev/reset.c: creates the ring, the mappings and the timerfd of an io_uring together, or a placeholder.
 *
 * libev makes the ring, three mappings and a timerfd one after the other. In a reset it destroys the old ones first, and then retries
 * until nothing fails. It forgets the ring and the mappings of an attempt that failed halfway. So all five are made together or not at
 * all, and libev's system calls take them from here. Reset makes them before libev destroys the old ones, so that a refusal is an
 * error of Reset.
 *
 * After a fork, and when the completion queue overflows, libev makes a new ring by itself. If the system refuses it, libev gets a
 * placeholder: a file descriptor that no process has, and plain memory. The loop fails with the errno. Its next run asks for a ring
 * again. A placeholder is needed when the system may have no memory, so it is made together with the loop's first ring.
 */
#if __linux__

# if EV_USE_IOURING

typedef struct
{
  struct io_uring_params params;
  int fd, timerfd;
  pid_t process;  /* a forked process would share the ring with this one */
  void *maps [3]; /* MAP_FAILED: not made, or taken */
  size_t sizes [3];
} ring;

enum { ENTRIES = 32 };

typedef struct
{
  ring ring;
  unsigned requests [8 + ENTRIES];
  struct
  {
    unsigned head [8];
    struct io_uring_cqe completion;
  } completions;
  struct io_uring_sqe entries [ENTRIES];
} placeholder;

static const unsigned long long ring_offsets [3] = { IORING_OFF_SQ_RING, IORING_OFF_CQ_RING, IORING_OFF_SQES };

/* Replaces munmap. */
static int
unmap_ring (void *map, size_t size)
{
  placeholder *p = mood_current->placeholder;

  return map == p->requests || map == &p->completions || map == p->entries ? 0 : (munmap)(map, size);
}

static void
drop_ring (mood_loop *l)
{
  ring *r = l->ring;
  int i;

  l->ring = 0;

  if (!r || r == l->placeholder)
    return;

  for (i = 0; i < 3; ++i)
    if (r->maps [i] != MAP_FAILED)
      (munmap) (r->maps [i], r->sizes [i]);

  if (is_own (l, IOURING_TIMERFD, r->timerfd))
    (close) (r->timerfd);

  if (is_own (l, BACKEND, r->fd))
    (close) (r->fd);

  free (r);
}

/* Called when libev has taken the fd, the mappings and the timerfd. */
static void
forget_ring (mood_loop *l)
{
  if (l->ring != l->placeholder)
    free (l->ring);

  l->ring = 0;
}

static void
set_sizes (ring *r)
{
  r->sizes [0] = r->params.sq_off.array + r->params.sq_entries * sizeof (unsigned);
  r->sizes [1] = r->params.cq_off.cqes + r->params.cq_entries * sizeof (struct io_uring_cqe);
  r->sizes [2] = r->params.sq_entries * sizeof (struct io_uring_sqe);
}

/* Returns 0 or an errno. */
static int
make_ring (mood_loop *l, unsigned entries)
{
  ring *r = calloc (1, sizeof *r);
  int i, error = 0;

  if (!r)
    return ENOMEM;

  l->ring = r;
  r->maps [0] = r->maps [1] = r->maps [2] = MAP_FAILED;
  r->timerfd = -1;
  r->process = getpid ();
  r->fd = mark (BACKEND, (int)syscall (SYS_io_uring_setup, entries, &r->params));

  if (r->fd < 0)
    error = errno;

  set_sizes (r);

  for (i = 0; i < 3 && !error; ++i)
    {
      r->maps [i] = (mmap)(0, r->sizes [i], PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, (off_t)ring_offsets [i]);

      if (r->maps [i] == MAP_FAILED)
        error = errno;
    }

  if (!error)
    {
      r->timerfd = mark (IOURING_TIMERFD, (timerfd_create)(CLOCK_MONOTONIC, TFD_CLOEXEC));

      if (r->timerfd < 0)
        error = errno;
    }

  if (error)
    drop_ring (l);

  return error;
}

static int
has_ring (mood_loop *l)
{
  ring *r = l->ring;

  return r && r->process == getpid () && is_own (l, BACKEND, r->fd) && is_own (l, IOURING_TIMERFD, r->timerfd);
}

/* The kernel refuses every call with the placeholder (EBADF). Requests that libev writes into its memory are never sent. */
static void
take_placeholder (mood_loop *l)
{
  enum { ROOM = 0x7fffffff };
  placeholder *p = l->placeholder;
  ring *r = &p->ring;

  memset (p, 0, sizeof *p);
  r->fd = r->timerfd = NO_FD;
  r->process = getpid ();
  r->params.sq_entries = ENTRIES;
  r->params.cq_entries = 1;
  r->params.sq_off.tail = r->params.cq_off.tail = 1 * sizeof (unsigned);
  r->params.sq_off.ring_mask = r->params.cq_off.ring_mask = 2 * sizeof (unsigned);
  r->params.sq_off.ring_entries = 3 * sizeof (unsigned);
  r->params.sq_off.flags = r->params.cq_off.overflow = 4 * sizeof (unsigned);
  r->params.sq_off.dropped = 5 * sizeof (unsigned);
  r->params.sq_off.array = r->params.cq_off.cqes = 8 * sizeof (unsigned);
  set_sizes (r);
  r->maps [0] = p->requests;
  r->maps [1] = &p->completions;
  r->maps [2] = p->entries;
  p->requests [2] = ENTRIES - 1;
  p->requests [3] = ROOM; /* without room, libev would wait for it */
  l->ring = p;
}

/* Gives libev a placeholder in place of the ring that it has, whose mappings are gone. */
static void
use_placeholder (mood_loop *l)
{
  struct ev_loop *loop = l->ev;
  ring *r;

  drop_ring (l);
  take_placeholder (l);
  r = l->ring;
  loop->iouring_fd = loop->iouring_tfd = NO_FD;
  loop->iouring_sq_ring = r->maps [0];
  loop->iouring_cq_ring = r->maps [1];
  loop->iouring_sqes = r->maps [2];
  loop->iouring_sq_ring_size = r->sizes [0];
  loop->iouring_cq_ring_size = r->sizes [1];
  loop->iouring_sqes_size = r->sizes [2];
  loop->iouring_sq_head = r->params.sq_off.head;
  loop->iouring_sq_tail = r->params.sq_off.tail;
  loop->iouring_sq_ring_mask = r->params.sq_off.ring_mask;
  loop->iouring_sq_ring_entries = r->params.sq_off.ring_entries;
  loop->iouring_sq_flags = r->params.sq_off.flags;
  loop->iouring_sq_array = r->params.sq_off.array;
  loop->iouring_cq_head = r->params.cq_off.head;
  loop->iouring_cq_tail = r->params.cq_off.tail;
  loop->iouring_cq_ring_mask = r->params.cq_off.ring_mask;
  loop->iouring_cq_ring_entries = r->params.cq_off.ring_entries;
  loop->iouring_cq_overflow = r->params.cq_off.overflow;
  loop->iouring_cq_cqes = r->params.cq_off.cqes;
  forget_ring (l);
}

/* Called when libev creates an epoll fd. If the backend is io_uring, libev is changing to epoll, and has unmapped the ring. If a request
 * that found no room in the ring has caused the change, libev then still writes this request into the ring. So the loop gets the
 * placeholder.
 *
 * libev adds the fds to epoll only at the beginning of the next iteration. So the present iteration must not wait. */
static void
leave_iouring (mood_loop *l)
{
  if (l->ev->backend != EVBACKEND_IOURING)
    return;

  use_placeholder (l);
  mood_ev_do_not_wait (l->ev);
}

/* The ring is full, and the kernel takes no requests and has no completions. libev would try again for ever. The loop fails with
 * errno, and its next run makes a new ring. */
static void
lose_ring (mood_loop *l)
{
  struct ev_loop *loop = l->ev;
  int error = errno;

  close_own (loop, loop->iouring_tfd);
  close_own (loop, loop->iouring_fd);
  munmap (loop->iouring_sq_ring, loop->iouring_sq_ring_size);
  munmap (loop->iouring_cq_ring, loop->iouring_cq_ring_size);
  munmap (loop->iouring_sqes, loop->iouring_sqes_size);

  use_placeholder (l);
  mood_error_record (l, error, "(libev) io_uring_enter");
  errno = error;
}

/* Makes the ring. If there is not enough memory for it, makes a ring of half the size. The shortage may last only a moment. If it happens
 * twice in a row, half the size becomes libev's maximum: libev then changes to epoll when it needs a larger ring. Returns 0 or an errno. */
static int
make_ring_or_half (mood_loop *l, unsigned entries)
{
  int error = make_ring (l, entries);

  if (!error)
    l->halved = 0;

  if (error != ENOMEM || entries <= IOURING_INIT_ENTRIES || make_ring (l, entries / 2))
    return error;

  l->ev->iouring_entries = entries / 2;

  if (l->halved++)
    l->ev->iouring_max_entries = entries / 2;

  return 0;
}

/* Replaces io_uring_setup. libev gets the prepared ring, or else a new one, or else a placeholder. libev gets an error in two cases: while
 * the loop is being constructed, and at the first EINVAL, after which libev asks for half the size. */
static long
take_ring (mood_loop *l, unsigned entries, struct io_uring_params *params)
{
  int error;

  if (!l->placeholder && !(l->placeholder = calloc (1, sizeof (placeholder))))
    return -1;

  if (!has_ring (l))
    {
      drop_ring (l);
      error = make_ring_or_half (l, entries);

      if (error && (!l->open || (error == EINVAL && !l->ev->iouring_max_entries)))
        {
          errno = error;
          return -1;
        }

      if (error)
        {
          take_placeholder (l);
          mood_error_record (l, error, "(libev) io_uring_setup");
        }
    }

  *params = ((ring *)l->ring)->params;
  return ((ring *)l->ring)->fd;
}

/* libev asks for the three mappings after the ring, and for the timerfd last. */
static void *
take_ring_map (unsigned long long offset)
{
  ring *r = mood_current->ring;
  void *map;
  int i = 0;

  while (ring_offsets [i] != offset)
    ++i;

  map = r->maps [i];
  r->maps [i] = MAP_FAILED;
  return map;
}

static int
take_ring_timerfd (void)
{
  mood_loop *l = mood_current;
  int fd = ((ring *)l->ring)->timerfd;

  forget_ring (l);
  return fd;
}

int
mood_ev_reserve_ring (mood_loop *l)
{
  mood_loop *outer;
  int error;

  if (l->ev->backend != EVBACKEND_IOURING || has_ring (l))
    return 0;

  outer = mood_enter (l);
  drop_ring (l);
  error = make_ring (l, l->ev->iouring_entries);
  mood_leave (outer);
  return -error;
}

# endif

#endif
