/* The configuration of libev, and the declarations that our C files share. Every C file includes libev through this header. */
#ifndef MOOD_LIBEV_H
#define MOOD_LIBEV_H

#ifndef _GNU_SOURCE
# define _GNU_SOURCE 1
#endif

/* macOS: without it, select refuses numbers of 1024 and more. ev.c defines it too, but after the headers that need it. */
#define _DARWIN_UNLIMITED_SELECT 1

#include "mood_event.h"
#include "testing.h"

#include <sched.h>
#include <time.h>
#include <sys/types.h>

#define EV_STANDALONE 1
#define EV_MULTIPLICITY 1
#define EV_FEATURES 0x7f
#define EV_COMPAT3 0
#define EV_VERIFY 1         /* for Loop.Verify; at this level libev itself does not call it */
#define EV_CLEANUP_ENABLE 0 /* so that ev_loop_destroy touches no watcher: its memory may already be freed */
#define EV_USE_SIGNALFD 0   /* a signalfd needs the signal blocked in every thread, which a library cannot ensure */
#define EV_USE_NANOSLEEP 1
#define EV_USE_MONOTONIC 1
#define EV_USE_REALTIME 1

/* The lists of child watchers, by the lowest bits of the pid. child.c looks at a list for each child at each SIGCHLD. With libev's 16 lists, that
 * took 70 ms with 5,000 children. */
#define EV_PID_HASHSIZE 4096

#if !_WIN32
# define EV_USE_SELECT 1
# define EV_USE_POLL 1
#endif

#if __linux__
# define EV_USE_EPOLL 1
# define EV_USE_LINUXAIO 1
# define EV_USE_IOURING 1
# define EV_USE_INOTIFY 1
# define EV_USE_EVENTFD 1
# define EV_USE_TIMERFD 1
#elif __APPLE__
# define EV_USE_KQUEUE 1
#elif _WIN32
# include "windows/configuration.h"
#endif

#ifndef MOOD_CHILD_SYSTEM
# define MOOD_CHILD_SYSTEM
#endif

/* The fields that every watcher gets. They are small and leave no gaps, because with many watchers the cost of an event is
 * memory access. In libev's own watchers they are 0. */
/* clang-format off */
#define EV_DECL_PRIORITY int8_t priority;
#define EV_COMMON                                                              \
  int8_t kind;             /* enum mood_kind */                                \
  int8_t background;       /* enum mood_background; 0: keeps the loop alive */ \
  int8_t plain;            /* has an owner, and holds all its references */    \
  int32_t id;              /* the host's number for it */                      \
  struct mood_loop *owner; /* null in libev's internal watchers */
/* clang-format on */

#include "ev.h"

#if _WIN32
# include "windows/hooks.h"
#endif

/* Why an active watcher does not keep its loop alive. */
enum mood_background {
  MOOD_NO_KEEPALIVE = 1, /* the host asked for it: mood_watcher_keepalive */
  MOOD_NEVER_DUE = 2     /* a scheduler whose next time never comes */
};

/* The next time of such a scheduler. It is finite, because libev computes with it. */
#define MOOD_NEVER 1e30

/* Three kinds of watchers have our own fields after those of libev. The loop's thread alone uses them. */
typedef struct
{
  ev_io ev;
  int32_t error; /* mood_watcher_error */
} mood_io;

typedef struct
{
  ev_child ev;
  int32_t keep;  /* the child is the host's: never reap it */
  int32_t ended; /* the end of its child was reported: another child may get the same pid */
  int32_t gone;  /* the last event: the child ended, and its status is lost */
  MOOD_CHILD_SYSTEM
} mood_child;

typedef struct
{
  ev_embed ev;
  unsigned generation; /* the other loop's `generation` when the watch of its fd was last started */
  int seen;            /* mood_ev_changes of the other loop at the last mood_embed_renew */
  int32_t error;       /* mood_watcher_error */
} mood_embed;

/* Any thread uses the fields marked "atomic". The thread that uses the loop uses the others. */
struct mood_loop
{
  struct ev_loop *ev;  /* null after mood_loop_close */
  mood_callbacks host; /* per loop, because two copies of the managed library may share this one */
  void *data;          /* the argument of `host`: a weak handle to the managed Loop */
  int references;      /* atomic: one of mood_loop_release, and one per watcher; at 0 the memory is freed */
  int open;            /* atomic: 1 from the end of mood_loop_new to mood_loop_close; wakes need it */
  int senders;         /* atomic: the threads inside a wake; mood_loop_close waits for 0 */
  mood_queue queue;
  ev_async wake; /* internal and unreferenced: mood_loop_wake sends it */
  int error;     /* the recorded failure: errno, -1 without one, or 0; mood_loop_error takes it */
  char message [256];
  int manual; /* enum mood_manual */
  double monotonic, realtime;
  uint64_t looked;                         /* the cycle counter at the last mood_loop_now_update, or 0 */
  double origin;                           /* MANUAL_HOST: the wall-clock time at the zero of `monotonic` */
  void (*wait) (struct ev_loop *, double); /* MANUAL_HOST: the backend's own poll, which manual_poll calls */
  int stepped;                             /* MANUAL_HOST: the wall clock was set, and the periodics must be rescheduled */
  int stalled;                             /* MANUAL_HOST: only the passing of time could have ended the wait, so the run ends */
  int found;                               /* MANUAL_HOST: the last iteration found pending events */
  unsigned iouring_mark;                   /* libev/iouring.c: see mood_ev_return_reference */
  int refusals;                            /* libev/iouring.c: how often in this second the kernel refused to poll */
  int64_t refusals_second;
  unsigned generation; /* how often the backend's fd was created */
  int refused;         /* the errno of the last attempt to create it, or 0 */
  unsigned serial;     /* how many loops were made before: libev/descriptors.c */
  int unmarked;        /* its files carry no marks, because the kernel does not store them */
  int process;         /* the process that has made its files, which a forked child shares until it has replaced them */
  int spare;           /* an eventfd for libev to take, or -1 */
  int made;            /* the epoll fd that the running constructor has created, or -1 */
  unsigned walked;     /* the number of polls before the last walk of pending events: see mood_between */
  int forks;           /* the watchers of forks are called after the next poll */
  int embedded;        /* an Embed of another loop runs this one */
  ev_io *registering;  /* the io of an Embed that is being started: a refusal of the kernel is an error of that start */
  unsigned long aio;   /* an aio context for libev to take, or 0 */
  void *ring;          /* the prepared files and mappings of an io_uring for libev to take, or null: libev/ring.c */
  void *placeholder;   /* what an io_uring loop has while the system refuses a ring, or null: libev/ring.c */
  int halved;          /* how often in a row only a ring of half the size could be made: libev/ring.c */
  unsigned polled;     /* ev_iteration at the last mood_ev_take_wakes */
  int cleared;         /* cleared events since mood_ev_drop_cleared last removed their slots */
  void *port;          /* the completion port: windows/epoll.c */
  int reread;          /* inotify was replaced, so the watched files must be read again */
  int reschedules;     /* libev is about to read the wall clock and to compute the times of all periodics: set_timerfd */
  int lost;            /* a file that libev needs was closed, and no reset has made it again: libev/lost.c */
  int unarmed;         /* io_uring: the timerfd was not set for the poll that is under way: is_needless_timer */
  int inotify, steps;  /* 1: the loop may use inotify, or a timerfd that reports steps of the wall clock: mood_ev_open */
};

enum mood_manual { MANUAL_NONE, MANUAL_SET /* testing.c */, MANUAL_HOST /* mood_loop_manual */ };

extern int mood_signals;

/* stores the time for mood_signal_arrived; signal-safe */
void mood_signal_arrive (int32_t signum);

/* The loop that this thread is inside: the hooks without a loop argument work for it. */
extern __thread mood_loop *mood_current;

/* Every function that may allocate or fail enters its loop, so that the failure is recorded in that loop and in no other one,
 * such as the loop whose callback made the call. The result is for mood_leave. */
static inline mood_loop *
mood_enter (mood_loop *l)
{
  mood_loop *outer = mood_current;

  mood_current = l;
  return outer;
}

static inline void
mood_leave (mood_loop *outer)
{
  mood_current = outer;
}

/* Whether this is the part of an iteration between the walk of the pending events that comes first and the poll. In this part, libev
 * calls the watchers of forks, calls those of Prepare, replaces its files if it must, and reads the clock. */
static inline int
mood_between (mood_loop *l)
{
  return l->walked == ev_iteration (l->ev);
}

/* A lock that is held for moments only, so a waiting thread just yields the processor. */
static inline void
mood_lock (int *lock)
{
  while (__atomic_exchange_n (lock, 1, __ATOMIC_ACQUIRE))
    sched_yield ();
}

static inline void
mood_unlock (int *lock)
{
  __atomic_store_n (lock, 0, __ATOMIC_RELEASE);
}

/* clock.c */
void mood_clock_initialize (void);
uint64_t mood_cycles (void);

/* loop.c */
void mood_reset (mood_loop *l);

/* error.c */
void mood_error_record (mood_loop *l, int error, const char *message);
void mood_error_install (void);
extern __thread int mood_verifying;

/* feed.c */
extern int mood_signal_lock;
int mood_signal_start (ev_signal *w);
void mood_signal_stop (ev_signal *w);
int mood_signal_default (unsigned flags, struct ev_loop **ev);
void mood_signal_close (struct ev_loop *ev);

/* signal.c */
void mood_hook_signal (int signum);
void mood_signal_renew (int signum);
int mood_signal_is_handled (int signum);
int mood_signal_is_blocked (int signum);

/* child.c */
int mood_child_start (ev_child *w);
void mood_child_stop (ev_child *w);
void mood_child_init (ev_child *w);
void mood_child_free (ev_child *w);
void mood_child_open (mood_loop *l);
void mood_child_forget (void);
void mood_child_reset (mood_loop *l);
void mood_child_embed (mood_loop *l);
void mood_child_settle (mood_watcher *io);

/* watcher.c, stat.c, status.c, embed.c */
void mood_watcher_event (struct ev_loop *ev, mood_watcher *w, int revents);
void mood_stat_free (ev_stat *w);
char *mood_stat_absolute (const char *path); /* status.c: in new memory, or null */
int mood_embed_start (ev_embed *w);
void mood_embed_stop (struct ev_loop *ev, ev_embed *w);

/* libev.c and its parts in libev/ */
ev_signal *mood_ev_signal_head (int signum);
struct ev_loop *mood_ev_signal_loop (int signum);
void mood_ev_signal_detach (int signum);
ev_child *mood_ev_child_head (int chain);
int mood_ev_child_chains (void);
void mood_ev_child_wake (struct ev_loop *ev);
struct ev_loop *mood_ev_default_fresh (unsigned flags);
void mood_ev_queue (struct ev_loop *ev, mood_queue *queue);
int mood_ev_queued (struct ev_loop *ev);
int mood_ev_has_new (struct ev_loop *ev);
int mood_ev_pending (struct ev_loop *ev);
void mood_ev_settle_pending (struct ev_loop *ev);
void mood_ev_drop_cleared (struct ev_loop *ev);
int mood_ev_done (struct ev_loop *ev);
double mood_ev_monotonic (struct ev_loop *ev);
int mood_ev_changes (struct ev_loop *ev);
void mood_ev_look_below (struct ev_loop *ev);
int mood_ev_has_events (struct ev_loop *ev);
void mood_ev_do_not_wait (struct ev_loop *ev);
void mood_ev_take_wakes (struct ev_loop *ev);
void mood_ev_reify_periodics (struct ev_loop *ev, const struct timespec *wall, const struct timespec *monotonic);
int mood_ev_backend_fd (struct ev_loop *ev);
void mood_ev_refill (struct ev_loop *ev);
int mood_ev_is_reset_due (struct ev_loop *loop);
void mood_ev_delay_forks (struct ev_loop *loop);
void mood_ev_call_forks (struct ev_loop *loop);
void mood_ev_retry (struct ev_loop *loop);
void mood_ev_renew (struct ev_loop *loop);
void mood_ev_find_lost (struct ev_loop *loop);
void mood_ev_check_lost (struct ev_loop *loop);
void mood_ev_return_reference (struct ev_loop *ev);
int mood_ev_ask_again (struct ev_loop *ev, int error);
void mood_ev_reread (struct ev_loop *ev);
void mood_ev_may_open (struct ev_loop *ev);
void mood_ev_open (struct ev_loop *ev, int kind);
void mood_ev_destroy (struct ev_loop *ev);
void mood_ev_manual (struct ev_loop *ev);
void mood_ev_take_poll (struct ev_loop *ev);
void mood_ev_adopt (struct ev_loop *ev);
void mood_ev_look (struct ev_loop *ev);
void mood_ev_resume (struct ev_loop *ev);
double mood_ev_due (struct ev_loop *ev);
int mood_ev_busy (struct ev_loop *ev);
int mood_ev_reserve (mood_loop *l);
int mood_ev_reserve_ring (mood_loop *l);
void mood_ev_drop_reserve (mood_loop *l);
void mood_ev_made (mood_loop *l);
int mood_ev_register (struct ev_loop *ev, ev_io *w);
void mood_ev_unregister (struct ev_loop *ev, mood_loop *other, int fd);

#endif
