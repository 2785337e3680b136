/* The whole C ABI of libmood_event on one page.
 *
 * Rules: every name starts with mood_; fixed-width types; a result below zero is a negated errno; a time is a double in
 * seconds. A loop is used by one thread at a time; functions marked [any thread] are the exception. Nothing here checks
 * its arguments: the managed side has done so. Nothing here calls sigaction, sigprocmask or waitpid(-1) behind the
 * host's back: see signal.c and child.c.
 */
#ifndef MOOD_EVENT_H
#define MOOD_EVENT_H

#include <stdint.h>

#if defined _WIN32
# define MOOD_API __declspec(dllexport)
#else
# define MOOD_API __attribute__ ((visibility ("default")))
#endif

#define MOOD_ABI_VERSION 4

typedef struct mood_loop mood_loop;
typedef struct ev_watcher mood_watcher; /* starts as mood_watcher_head */

/* How a watcher starts, whatever its kind. libev writes the first two, on the loop's thread. */
typedef struct
{
  int32_t active, pending;
  int8_t priority, kind, background;
  int8_t plain;            /* 0: libev's own, or one for mood_watcher_settle before it is called */
  int32_t id;              /* the host's, who may change it; 0: libev's own, for mood_watcher_call */
} mood_watcher_head;

/* What is pending, where libev keeps it. The host walks it as ev_invoke_pending does, which spares a transition into
 * managed code per event: from the highest priority down, each from the last slot to the first; count the slot off and clear
 * the watcher's `pending`, then call; read `priority` anew after each call, feeding sets it back; stop at `halted`. */
typedef struct
{
  mood_watcher *watcher;
  int32_t revents;
} mood_pending;

typedef struct
{
  mood_pending **slots;    /* one array per priority; they move as they grow */
  int32_t *counts;         /* one per priority: how many slots are in use */
  int32_t *priority;       /* where the walk is: from MOOD_PRIORITIES - 1 down to 0 */
  int32_t halted;          /* nothing pending is called until the next run */
  int32_t always;          /* the host's: mood_callbacks.pending is called also when nothing is pending */
} mood_queue;

#define MOOD_PRIORITIES 5

enum mood_kind
{
  MOOD_IO, MOOD_TIMER, MOOD_PERIODIC, MOOD_SCHEDULER, MOOD_SIGNAL, MOOD_CHILD, MOOD_STAT, MOOD_IDLE,
  MOOD_PREPARE, MOOD_CHECK, MOOD_EMBED, MOOD_FORK, MOOD_ASYNC, MOOD_KINDS
};

/* What the host is called through. `data` is what the loop was made with. */
typedef struct
{
  void   (*event)      (void *data, mood_watcher *w, int32_t revents);     /* an event that does not wait: embed.c's */
  void   (*pending)    (void *data);                                       /* call what is pending: mood_loop_queue */
  void   (*wake)       (void *data);                                       /* mood_loop_wake was called */
  double (*reschedule) (void *data, mood_watcher *w, double now);          /* when is this scheduler due next? */
  void   (*clock)      (void *data, double *times);                        /* mood_loop_manual: what time is it? */
} mood_callbacks;

/* mood_callbacks.clock writes two times: seconds of a clock that nobody steps, and what the wall clock showed at its zero */
#define MOOD_TIMES 2

/* who owns the process's signal dispositions */
#define MOOD_SIGNALS_HOST   0 /* the host registers and calls mood_feed_signal */
#define MOOD_SIGNALS_NATIVE 1 /* signal.c installs, chains and restores handlers */

/* -- library ------------------------------------------------------------------------------------------------------ */
MOOD_API int32_t  mood_abi_version (void);                          /* [any thread] */
MOOD_API const char *mood_version (void);                           /* [any thread] of the package it is built for */
MOOD_API int32_t  mood_initialize (int32_t signals);                /* [any thread] 0, -EBUSY: in use the other way */
MOOD_API int32_t  mood_libev_version (void);                        /* [any thread] major << 16 | minor */
MOOD_API uint32_t mood_supported_backends (void);                   /* [any thread] */
MOOD_API uint32_t mood_recommended_backends (void);                 /* [any thread] */
MOOD_API uint32_t mood_embeddable_backends (void);                  /* [any thread] */
MOOD_API double   mood_time (void);                                 /* [any thread] */
MOOD_API void     mood_sleep (double seconds);                      /* [any thread] sleeps on through EINTR */
MOOD_API int32_t  mood_fd_check (int32_t fd);                       /* [any thread] 0, or -EBADF */
MOOD_API int32_t  mood_live (int32_t what);                         /* [any thread] 0: loops alive, 1: watchers alive */
MOOD_API void     mood_fail_allocation (int32_t after);             /* [any thread] for tests: libev's nth from now; 0: none */
MOOD_API void     mood_fail_wait (int32_t error);                   /* [any thread] for tests: the next wait of a loop, with errno */

/* no errno: none of the backends asked for works here */
#define MOOD_ENOBACKEND 10000

/* what a run leaves behind */
#define MOOD_RUN_ACTIVE 1 /* active watchers */
#define MOOD_RUN_FAILED 2 /* a failure, for mood_loop_error */

/* -- loop --------------------------------------------------------------------------------------------------------- */
MOOD_API int32_t  mood_loop_new (uint32_t flags, int32_t is_default, const mood_callbacks *host, void *data, mood_loop **loop);
MOOD_API void     mood_loop_close (mood_loop *l);                   /* destroys the ev_loop; no watcher is touched */
MOOD_API void     mood_loop_release (mood_loop *l);                 /* gives up the reference mood_loop_new returned */
MOOD_API int32_t  mood_loop_run (mood_loop *l, int32_t flags);      /* MOOD_RUN_ bits */
MOOD_API void     mood_loop_break (mood_loop *l, int32_t how);
MOOD_API void     mood_loop_halt (mood_loop *l);                    /* break all, and leave what is pending pending */
MOOD_API int32_t  mood_loop_error (mood_loop *l, char *text, int32_t size); /* takes a recorded failure: errno, or 0 */
MOOD_API mood_queue *mood_loop_queue (mood_loop *l);                /* lives as long as the loop's reference */
MOOD_API void     mood_loop_settle (mood_loop *l);                  /* what is pending is put off: mood_watcher_settle for all */
MOOD_API void     mood_loop_wake (mood_loop *l);                    /* [any thread] while a reference is held */
MOOD_API int32_t  mood_loop_reset (mood_loop *l);
MOOD_API double   mood_loop_now (mood_loop *l);
MOOD_API void     mood_loop_now_update (mood_loop *l);
MOOD_API double   mood_loop_lag (mood_loop *l);                     /* seconds since the loop looked at the clock timers count by */
MOOD_API void     mood_loop_suspend (mood_loop *l);
MOOD_API void     mood_loop_resume (mood_loop *l);
MOOD_API void     mood_loop_ref (mood_loop *l);
MOOD_API void     mood_loop_unref (mood_loop *l);
MOOD_API void     mood_loop_feed_fd (mood_loop *l, int32_t fd, int32_t revents);
MOOD_API void     mood_loop_feed_signal (mood_loop *l, int32_t signum);
MOOD_API void     mood_loop_verify (mood_loop *l);                  /* aborts with a message on corruption */
MOOD_API uint32_t mood_loop_iteration (mood_loop *l);
MOOD_API uint32_t mood_loop_depth (mood_loop *l);
MOOD_API int32_t  mood_loop_pending (mood_loop *l);
MOOD_API uint32_t mood_loop_backend (mood_loop *l);
MOOD_API int32_t  mood_loop_changes (mood_loop *l);                 /* embedded: has fds the kernel does not know, or a wake */
MOOD_API void     mood_loop_io_interval (mood_loop *l, double seconds);
MOOD_API void     mood_loop_timeout_interval (mood_loop *l, double seconds);
MOOD_API void     mood_loop_clock (mood_loop *l, int32_t manual, double monotonic, double realtime); /* for tests: libev's own look */
MOOD_API void     mood_loop_manual (mood_loop *l);                  /* a new loop's time is the host's: mood_callbacks.clock */
MOOD_API int32_t  mood_loop_due (mood_loop *l, double *monotonic);  /* manual: the next due time, infinity: none; 1: there is work now */

/* -- every watcher ------------------------------------------------------------------------------------------------ */
MOOD_API mood_watcher *mood_watcher_new (mood_loop *l, int32_t kind, int32_t id); /* zeroed; null: out of memory */
MOOD_API void     mood_watcher_free (mood_watcher *w);              /* inactive, or its loop is closed */
MOOD_API int32_t  mood_watcher_start (mood_watcher *w);             /* 0, -EBUSY (signal of another loop) */
MOOD_API void     mood_watcher_stop (mood_watcher *w);
MOOD_API void     mood_watcher_feed (mood_watcher *w, int32_t revents);
MOOD_API int32_t  mood_watcher_clear (mood_watcher *w);
MOOD_API void     mood_watcher_priority (mood_watcher *w, int32_t priority);
MOOD_API void     mood_watcher_keepalive (mood_watcher *w, int32_t on);
MOOD_API void     mood_watcher_settle (mood_watcher *w);            /* active may have changed: its references follow */
MOOD_API void     mood_watcher_call (mood_loop *l, mood_watcher *w, int32_t revents); /* libev's own callback */

/* -- the barrier: see barrier.c ----------------------------------------------------------------------------------- */
MOOD_API int32_t  mood_barrier_join (int32_t *signum);              /* [one of the process] a host; the signal it has to answer */
MOOD_API int32_t  mood_barrier_raise (void);                        /* [any thread] a ticket */
MOOD_API void     mood_barrier_await (uint64_t signums);            /* [any thread] bit signum - 1 each: until none is on its way that a barrier would overtake */
MOOD_API void     mood_barrier_handled (int32_t host);              /* [any thread] that host's handler ran */
MOOD_API int32_t  mood_barrier_passed (int32_t ticket);             /* [any thread] whatever came before it is handled */

/* -- one kind each ------------------------------------------------------------------------------------------------ */
MOOD_API void     mood_io_set (mood_watcher *w, int32_t fd, int32_t events);
MOOD_API void     mood_timer_set (mood_watcher *w, double after, double repeat);
MOOD_API void     mood_timer_set_repeat (mood_watcher *w, double repeat);
MOOD_API void     mood_timer_again (mood_watcher *w);
MOOD_API void     mood_timer_push (mood_watcher *w);                 /* mood_timer_again of one that is active and repeats: no memory is taken */
MOOD_API double   mood_timer_remaining (mood_watcher *w);
MOOD_API void     mood_periodic_set (mood_watcher *w, double offset, double interval);
MOOD_API void     mood_periodic_set_interval (mood_watcher *w, double interval);
MOOD_API void     mood_periodic_again (mood_watcher *w);            /* periodics and schedulers */
MOOD_API double   mood_periodic_at (mood_watcher *w);
MOOD_API void     mood_signal_set (mood_watcher *w, int32_t signum);
MOOD_API int32_t  mood_signal_check (int32_t signum);               /* [any thread] 0, -ERANGE, -EPERM (not to be watched) */
MOOD_API int32_t  mood_signal_number (int32_t index);               /* [any thread] in the order of signal.c, -1: not here */
MOOD_API void     mood_feed_signal (int32_t signum);                /* [any thread] */
MOOD_API void     mood_child_set (mood_watcher *w, int32_t pid, int32_t trace, int32_t keep);
MOOD_API void     mood_child_status (mood_watcher *w, int32_t *rpid, int32_t *rstatus);
MOOD_API int32_t  mood_stat_set (mood_watcher *w, const char *path, double interval);
MOOD_API double   mood_stat_interval (mood_watcher *w);
MOOD_API void     mood_stat_refresh (mood_watcher *w);
MOOD_API void     mood_embed_set (mood_watcher *w, mood_loop *other);
MOOD_API void     mood_embed_renew (mood_watcher *w);               /* the other loop has run: is it still what is watched? */
MOOD_API void     mood_async_send (mood_watcher *w);                /* [any thread] while its memory is held */
MOOD_API int32_t  mood_async_sent (mood_watcher *w);                /* [any thread] while its memory is held */

typedef struct
{
  int64_t  size, device, inode, device_type;
  int64_t  accessed_seconds, modified_seconds, changed_seconds;
  int32_t  accessed_nanos, modified_nanos, changed_nanos;
  uint32_t mode, link_count, user, group;
} mood_file_status;                                                 /* link_count 0: there is no such file */

MOOD_API void     mood_stat_status (mood_watcher *w, int32_t previous, mood_file_status *status);

#endif
