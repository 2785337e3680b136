/* The only file that includes ev.c. libev stays unmodified: what has to differ in a managed process is configured in
 * libev.h or hooked here, by macros that stand before the include. Below it are the few doors to libev's statics;
 * manual.h has more of them. */
#include "libev.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#if __linux__
# include <sys/epoll.h>
# include <sys/eventfd.h>
# include <sys/inotify.h>
#endif

/* Dispositions and masks belong to the runtime: signal.c decides what becomes of these calls. */
int  mood_hook_sigaction (int signum, const struct sigaction *action, struct sigaction *old);
void mood_hook_signal (int signum);
#define sigaction(signum, action, old) mood_hook_sigaction (signum, action, old)
#define signal(signum, handler) mood_hook_signal (signum)
#define sigprocmask(how, set, old) 0

/* waitpid(-1) would take children that System.Diagnostics.Process owns: child.c waits for watched pids only. */
pid_t mood_hook_waitpid (int *status, int options);
#define waitpid(pid, status, options) mood_hook_waitpid (status, options)

/* What a backend waits with fails when a test wants it to (mood_fail_wait); io_uring and aio below. */
#define poll(fds, count, timeout) (mood_wait_fails () ? -1 : poll (fds, count, timeout))
#define select(count, reads, writes, errors, timeout) (mood_wait_fails () ? -1 : select (count, reads, writes, errors, timeout))
#define epoll_wait(fd, events, count, timeout) (mood_wait_fails () ? -1 : epoll_wait (fd, events, count, timeout))

/* A loop may live on a manual clock: clock.c. */
int mood_hook_clock_gettime (clockid_t id, struct timespec *ts);
#define clock_gettime(id, ts) mood_hook_clock_gettime (id, ts)

#if __linux__
/* The loop's eventfd is made before the loop, so that EMFILE is an error of the constructor and not an endless retry. */
__thread int mood_spare_eventfd = -1;

static int
take_eventfd (unsigned value, int flags)
{
  int *spare = mood_spare_eventfd < 0 && mood_current ? &mood_current->spare : &mood_spare_eventfd;
  int fd = *spare;

  *spare = -1;
  return fd >= 0 ? fd : eventfd (value, flags);
}
# define eventfd(value, flags) take_eventfd (value, flags)

/* libev closes its epoll fd before it makes it anew. Where fds are short somebody else takes the number in between, so it
 * is closed once the new one is there, and kept where there is none. */
static __thread int old_epoll = -1;

static int
close_old (int fd)
{
  mood_loop *l = mood_current;

  if (!l || !l->open || fd != mood_ev_backend_fd (l->ev) || !(ev_backend (l->ev) & (EVBACKEND_EPOLL | EVBACKEND_LINUXAIO)))
    return close (fd);

  old_epoll = fd;
  return 0;
}
# define close(fd) close_old (fd)

/* Where a loop's kernel side is made, and made anew: what embeds it must know, and so must a constructor for which libev
 * falls back to another backend when fds are short. */
static int
make_epoll (int flags)
{
  int fd = epoll_create1 (flags), old = old_epoll;

  old_epoll = -1;

  if (old >= 0 && fd < 0)
    return old;

  if (old >= 0)
    (close) (old);

  if (mood_current)
    {
      ++mood_current->generation;
      mood_current->refused = fd < 0 ? errno : 0;
    }

  return fd;
}
# define epoll_create1(flags) make_epoll (flags)

/* A reset replaces inotify, and what the old one had not told yet is lost: the files have to be looked at again, and the
 * loop must not wait before (mood_ev_reread). */
static int
make_inotify (int flags)
{
  mood_loop *l = mood_current;

  if (l && l->reread)
    {
      l->reread = 2;
      ev_async_send (l->ev, &l->wake);
    }

  return inotify_init1 (flags);
}
# define inotify_init1(flags) make_inotify (flags)
#endif

#if __linux__
/* The io_uring and aio system calls go through here: io_uring_enter needs help, see below. */
static long hook_syscall (long number, long a, long b, long c, long d, long e, long f);
# define ev_syscall(number, count, a, b, c, d, e, f) \
   hook_syscall (number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#endif

#include "ev.c"

/* ev.c's shorthands for the loop's fields (ev_wrap.h) end with it */

#if EV_USE_IOURING

/* Three faults of libev with today's kernels. A request to remove a poll is written over an old request to add one, whose
 * events stay in it: the kernel refuses that (EINVAL). And at a request that is refused the kernel stops submitting, while
 * libev takes all for submitted: those behind it are late by as many, and their fds silent, for ever. The same after a
 * call that failed altogether. So what is submitted is what is in the ring, and not what libev thinks. */
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

  do
    {
      result = syscall (SYS_io_uring_enter, fd, due - submitted, min_complete, flags, mask, size);

      if (result < 0)
        return submitted ? submitted : result;

      submitted += result;
    }
  while (result && submitted < due);

  return submitted == due ? to_submit : submitted;
}

#endif

#if __linux__

static long
hook_syscall (long number, long a, long b, long c, long d, long e, long f)
{
  if ((number == SYS_io_getevents || number == SYS_io_uring_enter) && mood_wait_fails ())
    return -1;

# if EV_USE_IOURING
  if (number == SYS_io_uring_enter)
    return enter_iouring (mood_current->ev, a, b, c, d, e, f);
# endif

  return syscall (number, a, b, c, d, e, f);
}

#endif

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

/* forget a signal's loop and watchers without touching a watcher */
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

/* libev keeps its default loop in a static that it does not clear: references, userdata and active internal watchers of
 * the loop before would live on in the new one. */
struct ev_loop *
mood_ev_default_fresh (unsigned flags)
{
  memset (&default_loop_struct, 0, sizeof default_loop_struct);
  return ev_default_loop (flags);
}

/* mood_event.h says how the host reads these */
_Static_assert (sizeof (mood_pending) == sizeof (ANPENDING) && offsetof (mood_pending, revents) == offsetof (ANPENDING, events), "ANPENDING");
_Static_assert (MOOD_PRIORITIES == NUMPRI, "NUMPRI");
#define SAME(field) _Static_assert (offsetof (mood_watcher_head, field) == offsetof (ev_watcher, field) \
                                    && sizeof (((mood_watcher_head *)0)->field) == sizeof (((ev_watcher *)0)->field), #field)
SAME (active);
SAME (pending);
SAME (priority);
SAME (kind);
SAME (background);
SAME (plain);
SAME (id);

void
mood_ev_queue (struct ev_loop *loop, mood_queue *queue)
{
  queue->slots = (mood_pending **)loop->pendings;
  queue->counts = loop->pendingcnt;
  queue->priority = &loop->pendingpri;
}

int
mood_ev_any_pending (struct ev_loop *loop)
{
  int pri, any = 0;

  for (pri = NUMPRI; pri--; )
    any |= loop->pendingcnt [pri];

  return any;
}

/* what is put off must not keep the loop's references wrong for so long */
void
mood_ev_settle_pending (struct ev_loop *loop)
{
  int pri, i;

  for (pri = NUMPRI; pri--; )
    for (i = loop->pendingcnt [pri]; i--; )
      if (loop->pendings [pri][i].w->owner)
        mood_watcher_settle (loop->pendings [pri][i].w);
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

/* ev_pending_count also counts libev's own watchers, and the slots of events that were cleared */
int
mood_ev_pending (struct ev_loop *loop)
{
  int pri, i, count = 0;

  for (pri = NUMPRI; pri--; )
    for (i = loop->pendingcnt [pri]; i--; )
      count += loop->pendings [pri][i].w->owner != 0;

  return count;
}

/* Whether the loop has something to do at once, for somebody else who waits for its kernel side. libev writes a wake
 * into the kernel only while the loop itself waits: from here on it does so for the other one's sake too. */
int
mood_ev_changes (struct ev_loop *loop)
{
  loop->pipe_write_wanted = 1;
  __atomic_thread_fence (__ATOMIC_SEQ_CST);
  return loop->fdchangecnt || loop->pipe_write_skipped;
}

int
mood_ev_backend_fd (struct ev_loop *loop)
{
  return loop->backend_fd;
}

/* Completions that found their queue full wait in the kernel until somebody enters it to get events. libev does so only when
 * it waits: a loop that never does, because it is idle or run with NoWait, would not hear of its fds any more. */
void
mood_ev_refill (struct ev_loop *loop)
{
#if EV_USE_IOURING
  const unsigned overflown = 2, get_events = 1; /* IORING_SQ_CQ_OVERFLOW, IORING_ENTER_GETEVENTS */

  if (loop->backend == EVBACKEND_IOURING
      && *(volatile unsigned *)((char *)loop->iouring_sq_ring + loop->iouring_sq_flags) & overflown)
    syscall (SYS_io_uring_enter, loop->iouring_fd, 0, 0, get_events, 0, 0);
#else
  (void)loop;
#endif
}

/* iouring_fork (after Reset, and when the completion queue overflows) starts its timerfd watcher again without giving
 * up the reference, so that the loop would never end. It always goes through iouring_internal_init, which sets a field
 * that libev uses nowhere else: when our mark in it is gone, one reference has leaked. */
void
mood_ev_settle (struct ev_loop *loop)
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

/* With io_uring the kernel takes back what a thread has asked for when that thread ends, and says so of each fd, at which libev
 * gives up. The loop may go on on another thread: it asks again. libev is in the middle of the completions, and will take
 * the others of them for events of nothing. */
int
mood_ev_ask_again (struct ev_loop *loop)
{
  int found = 0;
#if EV_USE_IOURING
  char *ring = (char *)loop->iouring_cq_ring;
  struct io_uring_cqe *cqes = (struct io_uring_cqe *)(ring + loop->iouring_cq_cqes);
  unsigned i, head, tail, mask;

  if (loop->backend != EVBACKEND_IOURING)
    return 0;

  head = *(volatile unsigned *)(ring + loop->iouring_cq_head);
  tail = *(volatile unsigned *)(ring + loop->iouring_cq_tail);
  mask = *(unsigned *)(ring + loop->iouring_cq_ring_mask);
  ECB_MEMORY_FENCE_ACQUIRE;

  for (i = head; i != tail; ++i)
    {
      struct io_uring_cqe *cqe = cqes + (i & mask);
      int fd = (int)(cqe->user_data & 0xffffffffU);

      if (cqe->res != -ECANCELED || cqe->user_data == (uint64_t)-1
          || (uint32_t)(cqe->user_data >> 32) != (uint32_t)loop->anfds [fd].egen)
        continue;

      cqe->res = 0;
      loop->anfds [fd].events = 0;
      fd_change (loop, fd, EV_ANFD_REIFY);
      ++found;
    }
#else
  (void)loop;
#endif
  return found;
}

/* what inotify would have said of each file, had it not been replaced */
void
mood_ev_reread (struct ev_loop *loop)
{
#if EV_USE_INOTIFY
  mood_loop *l = (mood_loop *)loop->userdata;
  WL w, next;
  int slot;

  /* the first stat makes inotify before a reset to come replaces it */
  if (l->reread != 2 || loop->postfork)
    return;

  l->reread = 0;

  for (slot = 0; slot < (EV_INOTIFY_HASHSIZE); ++slot)
    for (w = loop->fs_hash [slot].head; w; w = next)
      {
        next = w->next; /* one that has changed is watched anew, and moves */
        stat_timer_cb (loop, &((ev_stat *)w)->timer, 0);
      }
#else
  (void)loop;
#endif
}

/* ev_loop_destroy, plus the two arrays that linuxaio_destroy forgets, as does its falling back to epoll */
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

#include "manual.h"
