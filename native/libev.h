/* libev as we configure it, and what our C files share. Every file but libev.c includes libev through here. */
#ifndef MOOD_LIBEV_H
#define MOOD_LIBEV_H

#ifndef _GNU_SOURCE
# define _GNU_SOURCE 1
#endif

#include "mood_event.h"

#include <sched.h>

#define EV_STANDALONE 1
#define EV_MULTIPLICITY 1
#define EV_FEATURES 0x7f
#define EV_COMPAT3 0
#define EV_VERIFY 1          /* Loop.Verify really checks; the loop itself never calls it */
#define EV_CLEANUP_ENABLE 0  /* so that destroying a loop touches no watcher: their memory may be gone first */
#define EV_USE_SIGNALFD 0    /* a signalfd needs the signal blocked in every thread, which nobody can promise here */
#define EV_USE_NANOSLEEP 1
#define EV_USE_MONOTONIC 1
#define EV_USE_REALTIME 1
#define EV_USE_SELECT 1
#define EV_USE_POLL 1

#if __linux__
# define EV_USE_EPOLL 1
# define EV_USE_LINUXAIO 1
# define EV_USE_IOURING 1
# define EV_USE_INOTIFY 1
# define EV_USE_EVENTFD 1
# define EV_USE_TIMERFD 1
#elif __APPLE__
# define EV_USE_KQUEUE 1
#endif

/* Fields every watcher gets. Small, and in the order that leaves no gaps: where there are many watchers, memory is what
 * an event costs. libev's own internal watchers are zeroed here, and have no owner. */
#define EV_DECL_PRIORITY int8_t priority;
#define EV_COMMON                                                              \
  int8_t kind;             /* enum mood_kind */                                \
  int8_t background;       /* KeepAlive is false */                            \
  int8_t plain;            /* has an owner, and keeps all its references */    \
  int32_t id;              /* the host's number for it */                      \
  struct mood_loop *owner; /* null in libev's internal watchers */

#include "ev.h"

/* two watchers know more than libev's */
typedef struct
{
  ev_child ev;
  int32_t keep;  /* look, never reap */
  int32_t ended; /* its end was reported: the number may belong to somebody else by now */
  int32_t gone;  /* the last event: it ended, and its status is not to be had */
} mood_child;

typedef struct
{
  ev_embed ev;
  unsigned generation; /* of the other loop's kernel side, when it was last looked at */
} mood_embed;

struct mood_loop
{
  struct ev_loop *ev;      /* null once closed */
  mood_callbacks host;     /* per loop: two copies of the managed library may share this one */
  void *data;              /* the managed Loop: a weak handle */
  int references;          /* atomic: the handle's and one per watcher */
  int open;                /* atomic: ev may be woken */
  int senders;             /* atomic: threads inside a wake right now */
  mood_queue queue;
  ev_async wake;           /* internal, unreferenced: carries what other threads ask for */
  int error;               /* recorded failure, errno or -1 */
  char message[256];
  int manual;              /* clock.c: enum mood_manual */
  double monotonic, realtime;
  double origin;           /* MANUAL_HOST, manual.h: what the wall clock showed at the zero of the monotonic one */
  void (*wait) (struct ev_loop *, double); /* the backend's own */
  int stepped;             /* the wall clock was set: the periodics have to be computed anew */
  int stalled;             /* nothing but time, which does not pass, could end the wait */
  int found;               /* the last iteration had something to do */
  unsigned iouring_mark;   /* libev.c: see mood_ev_settle */
  unsigned generation;     /* how often the kernel side was made */
  int refused;             /* errno of the last time that it was not */
  int spare;               /* an eventfd for a reset to come, or -1 */
  int reread;              /* libev.c, files: 1 after a reset, 2 once its inotify was made anew */
};

enum mood_manual { MANUAL_NONE, MANUAL_SET /* mood_loop_clock */, MANUAL_HOST /* mood_loop_manual */ };

extern int mood_signals;

/* The loop whose native code this thread is in: what the hooks without a loop argument work for. */
extern __thread mood_loop *mood_current;

/* for moments: whoever waits gives its turn away */
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

/* loop.c */
void mood_reset (mood_loop *l);

/* error.c */
void mood_error_record (mood_loop *l, int error, const char *message);
void mood_error_install (void);
int  mood_wait_fails (void);
extern __thread int mood_verifying;

/* signal.c */
int  mood_signal_start (ev_signal *w);
void mood_signal_stop (ev_signal *w);
int  mood_signal_default (unsigned flags, struct ev_loop **ev);
void mood_signal_close (struct ev_loop *ev);
void mood_signal_renew (int signum);

/* barrier.c */
int  mood_barrier_owns (int signum);

/* child.c */
int  mood_child_start (ev_child *w);
void mood_child_init (ev_child *w);
void mood_child_forget (void);
void mood_child_passed (void);

/* watcher.c, stat.c, embed.c */
void mood_watcher_event (struct ev_loop *ev, mood_watcher *w, int revents);
void mood_stat_free (ev_stat *w);
void mood_embed_start (ev_embed *w);

/* libev.c: doors to libev's statics */
ev_signal *mood_ev_signal_head (int signum);
struct ev_loop *mood_ev_signal_loop (int signum);
void mood_ev_signal_detach (int signum);
ev_child *mood_ev_child_head (int chain);
int  mood_ev_child_chains (void);
struct ev_loop *mood_ev_default_fresh (unsigned flags);
void mood_ev_queue (struct ev_loop *ev, mood_queue *queue);
int  mood_ev_any_pending (struct ev_loop *ev);
int  mood_ev_pending (struct ev_loop *ev);
void mood_ev_settle_pending (struct ev_loop *ev);
int  mood_ev_done (struct ev_loop *ev);
double mood_ev_monotonic (struct ev_loop *ev);
int  mood_ev_changes (struct ev_loop *ev);
int  mood_ev_backend_fd (struct ev_loop *ev);
void mood_ev_refill (struct ev_loop *ev);
void mood_ev_settle (struct ev_loop *ev);
int  mood_ev_ask_again (struct ev_loop *ev);
void mood_ev_reread (struct ev_loop *ev);
void mood_ev_destroy (struct ev_loop *ev);
void mood_ev_manual (struct ev_loop *ev);
void mood_ev_adopt (struct ev_loop *ev);
void mood_ev_look (struct ev_loop *ev);
void mood_ev_resume (struct ev_loop *ev);
double mood_ev_due (struct ev_loop *ev);
int  mood_ev_busy (struct ev_loop *ev);
extern __thread int mood_spare_eventfd;

#endif
