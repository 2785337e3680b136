/* The whole C ABI of libmood_event on one page. The host is the managed library that calls it.
 *
 * Rules: Every name starts with mood_. Types have a fixed width. A result below zero is a negated errno. A time is a double in
 * seconds. One thread at a time uses a loop, except for the functions marked [any thread]. The functions do not check their
 * arguments, because the host has done so. They do not change the signal dispositions and masks that the host owns (signal.c), and do
 * not reap the host's own children (child.c).
 *
 * On Windows (native/windows) an fd is the number of a socket. It must be a multiple of 4. A function for something
 * that Windows does not have returns -ENOSYS, whose number there is 40.
 */
#ifndef MOOD_EVENT_H
#define MOOD_EVENT_H

#include <stdint.h>

#if defined _WIN32
# define MOOD_API __declspec(dllexport)
#else
# define MOOD_API __attribute__ ((visibility ("default")))
#endif

#define MOOD_ABI_VERSION 9

typedef struct mood_loop mood_loop;
typedef struct ev_watcher mood_watcher; /* starts as mood_watcher_head */

/* The first fields of every watcher. libev writes `active` and `pending`, on the loop's thread. */
typedef struct
{
  int32_t active, pending;
  int8_t priority, kind, background;
  int8_t plain; /* 0: a watcher of libev's own, or one that needs mood_watcher_settle before its callback */
  int32_t id;   /* the host's number for the watcher, which it may change; 0: a watcher of libev's own, for mood_watcher_call */
} mood_watcher_head;

/* A pending event in libev's own array. The host walks the arrays as ev_invoke_pending does, which saves a transition into
 * managed code per event. The walk goes from the highest priority down, and in each priority from the last slot to the first.
 * For each slot it decrements the count, clears the watcher's `pending`, and then calls the watcher. A callback may feed
 * events. This sets `priority` to the highest one again, so the walk reads `priority` and the count again after each call. The walk
 * ends when `halted` is set. */
typedef struct
{
  mood_watcher *watcher;
  int32_t revents;
} mood_pending;

typedef struct
{
  mood_pending **slots; /* one array per priority; an array moves when it grows */
  int32_t *counts;      /* the number of used slots per priority */
  int32_t *priority;    /* the current priority of the walk: MOOD_PRIORITIES - 1 down to 0 */
  int32_t halted;       /* no pending watcher is called before the next run */
  int32_t always;       /* the host sets it: call mood_callbacks.pending in every iteration, even without pending events */
  int32_t left;         /* with `always`: slots that mood_callbacks.pending has left; the host clears it before it walks again */
} mood_queue;

#define MOOD_PRIORITIES 5

/* The number of a watched fd must be below this. libev has an array that is indexed by the fd, 16 bytes each, and computes its size with ints. */
#define MOOD_FDS (1 << 24)

/* clang-format off */
enum mood_kind
{
  MOOD_IO, MOOD_TIMER, MOOD_PERIODIC, MOOD_SCHEDULER, MOOD_SIGNAL, MOOD_CHILD, MOOD_STAT, MOOD_IDLE,
  MOOD_PREPARE, MOOD_CHECK, MOOD_EMBED, MOOD_FORK, MOOD_ASYNC, MOOD_KINDS
};
/* clang-format on */

/* The functions of the host that native code calls. `data` is the argument of mood_loop_new. */
typedef struct
{
  void (*event) (void *data, mood_watcher *w, int32_t revents);   /* an event that did not go through the queue (embed.c) */
  void (*pending) (void *data);                                   /* walk the pending events: mood_loop_queue */
  void (*wake) (void *data);                                      /* another thread has called mood_loop_wake */
  double (*reschedule) (void *data, mood_watcher *w, double now); /* the result is the next due time of this scheduler */
  void (*clock) (void *data, double *times);                      /* mood_loop_manual: writes the two times below */
  int32_t (*reap) (void *data);                                   /* MOOD_SIGNALS_HOST: reap your own children now */
} mood_callbacks;

/* mood_callbacks.reap returns 0 if it has begun. Then the host calls mood_child_passed after it has reaped all its own children
 * that had ended before the call. It returns -1 if it cannot begin now. */

/* mood_callbacks.clock writes the seconds of a monotonic clock, and the wall-clock time at the zero of that clock. */
#define MOOD_TIMES 2

/* the owner of the process's signal dispositions */
#define MOOD_SIGNALS_HOST 0   /* the host registers and calls mood_feed_signal */
#define MOOD_SIGNALS_NATIVE 1 /* signal.c installs, chains and restores handlers */

/* clang-format off */

/* -- library ------------------------------------------------------------------------------------------------------ */
MOOD_API int32_t  mood_abi_version (void);                          /* [any thread] */
MOOD_API const char *mood_version (void);                           /* [any thread] the version of the package it was built for */
MOOD_API int32_t  mood_initialize (int32_t signals);                /* [any thread] MOOD_SIGNALS_; 0, or -EBUSY: initialized with the other value */
MOOD_API int32_t  mood_libev_version (void);                        /* [any thread] major << 16 | minor */
MOOD_API uint32_t mood_supported_backends (void);                   /* [any thread] */
MOOD_API uint32_t mood_recommended_backends (void);                 /* [any thread] */
MOOD_API uint32_t mood_embeddable_backends (void);                  /* [any thread] */
MOOD_API int64_t  mood_ticks (void);                                /* [any thread] the processor's constant counter; 0: there is none */
MOOD_API double   mood_time (void);                                 /* [any thread] */
MOOD_API void     mood_sleep (double seconds);                      /* [any thread] a signal does not end it */
MOOD_API int32_t  mood_fd_check (int32_t fd);                       /* [any thread] 0, 1: close-on-exec, or -EBADF. Windows: also -ENOTSOCK,
                                                                       and -ERANGE: not less than MOOD_FDS */
MOOD_API int32_t  mood_error_text (int32_t error, char *text, int32_t size); /* [any thread] the system's text for an errno, terminated by
                                                                       0; its length */

/* not an errno: none of the requested backends works on this system */
#define MOOD_ENOBACKEND 10000

/* the result of mood_loop_run */
#define MOOD_RUN_ACTIVE 1 /* active watchers are left that keep the loop alive */
#define MOOD_RUN_FAILED 2 /* a failure is recorded: mood_loop_error takes it */

/* -- loop --------------------------------------------------------------------------------------------------------- */
MOOD_API int32_t  mood_loop_new (uint32_t flags, int32_t is_default, const mood_callbacks *host, void *data, mood_loop **loop);
MOOD_API void     mood_loop_close (mood_loop *l);                   /* destroys the ev_loop; no watcher is touched */
MOOD_API void     mood_loop_release (mood_loop *l);                 /* gives up the reference mood_loop_new returned */
MOOD_API int32_t  mood_loop_run (mood_loop *l, int32_t flags);      /* MOOD_RUN_ bits */
MOOD_API void     mood_loop_break (mood_loop *l, int32_t how);
MOOD_API int32_t  mood_loop_stopped (mood_loop *l);                 /* 1: inside a run, and all runs end. A nested one would end before it begins */
MOOD_API void     mood_loop_halt (mood_loop *l);                    /* ends all runs; pending events stay pending */
MOOD_API int32_t  mood_loop_error (mood_loop *l, char *text, int32_t size); /* takes the recorded failure: its errno, -1 without one, or 0: none */
MOOD_API mood_queue *mood_loop_queue (mood_loop *l);                /* valid until mood_loop_release */
MOOD_API void     mood_loop_settle (mood_loop *l);                  /* mood_watcher_settle for every pending watcher */
MOOD_API void     mood_loop_wake (mood_loop *l);                    /* [any thread] while a reference is held */
MOOD_API int32_t  mood_loop_reset (mood_loop *l);
MOOD_API double   mood_loop_now (mood_loop *l);
MOOD_API void     mood_loop_now_update (mood_loop *l);
MOOD_API int32_t  mood_loop_stale (mood_loop *l);                   /* 1: the loop's time may be more than 30 us old; makes no system call */
MOOD_API double   mood_loop_lag (mood_loop *l);                     /* seconds since the loop read the monotonic clock */
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
MOOD_API int32_t  mood_loop_changes (mood_loop *l);                 /* of an embedded loop: 0: it has no work that is due now. Otherwise a
                                                                       number that changes from call to call while it makes progress */
MOOD_API void     mood_loop_io_interval (mood_loop *l, double seconds);
MOOD_API void     mood_loop_timeout_interval (mood_loop *l, double seconds);
MOOD_API void     mood_loop_manual (mood_loop *l);                  /* a new loop takes its time from mood_callbacks.clock */
MOOD_API int32_t  mood_loop_due (mood_loop *l, double *monotonic);  /* on a manual clock: the next due time (infinity: none). Result 1:
                                                                       there is work before that time */

/* -- every watcher ------------------------------------------------------------------------------------------------ */
MOOD_API mood_watcher *mood_watcher_new (mood_loop *l, int32_t kind, int32_t id); /* zeroed; null: out of memory */
MOOD_API void     mood_watcher_free (mood_watcher *w);              /* the watcher must be inactive, or its loop closed */
MOOD_API int32_t  mood_watcher_start (mood_watcher *w);             /* 0, -EBUSY (signal of another loop), -EACCES (every thread blocks the
                                                                       signal), -ECHILD (SIGCHLD is ignored, and needed), -ENOMEM, or the
                                                                       errno with which the kernel refuses an embed */
MOOD_API void     mood_watcher_stop (mood_watcher *w);
MOOD_API void     mood_watcher_feed (mood_watcher *w, int32_t revents);
MOOD_API int32_t  mood_watcher_clear (mood_watcher *w);
MOOD_API int32_t  mood_watcher_error (mood_watcher *w);             /* after EV_ERROR of an io or embed: the errno with which the kernel
                                                                       refuses to watch its fd; 0: libev tells none, the fd was closed */
MOOD_API void     mood_watcher_priority (mood_watcher *w, int32_t priority);
MOOD_API void     mood_watcher_keepalive (mood_watcher *w, int32_t on);
MOOD_API void     mood_watcher_settle (mood_watcher *w);            /* `active` may have changed: corrects the references of a watcher
                                                                       without KeepAlive */
MOOD_API void     mood_watcher_call (mood_loop *l, mood_watcher *w, int32_t revents); /* calls the native callback of a watcher of libev's own */

/* -- one kind each ------------------------------------------------------------------------------------------------ */
MOOD_API void     mood_io_set (mood_watcher *w, int32_t fd, int32_t events);
MOOD_API void     mood_timer_set (mood_watcher *w, double after, double repeat);
MOOD_API void     mood_timer_set_repeat (mood_watcher *w, double repeat);
MOOD_API void     mood_timer_again (mood_watcher *w);
MOOD_API void     mood_timer_push (mood_watcher *w);                /* mood_timer_again of an active repeating timer that is not pending:
                                                                       allocates nothing */
MOOD_API double   mood_timer_remaining (mood_watcher *w);
MOOD_API void     mood_periodic_set (mood_watcher *w, double offset, double interval);
MOOD_API void     mood_periodic_set_interval (mood_watcher *w, double interval);
MOOD_API void     mood_periodic_again (mood_watcher *w);            /* periodics and schedulers */
MOOD_API double   mood_periodic_at (mood_watcher *w);
MOOD_API void     mood_signal_set (mood_watcher *w, int32_t signum);
MOOD_API int32_t  mood_signal_check (int32_t signum);               /* [any thread] 0, -ERANGE, or -EPERM: cannot be watched */
MOOD_API int32_t  mood_signal_number (int32_t index);               /* [any thread] by its index in signal.c; -1: not on this system */
MOOD_API void     mood_feed_signal (int32_t signum);                /* [any thread] */
MOOD_API void     mood_signal_register (int32_t signum, int32_t begins); /* [one thread of the process at a time] before (1) and after (0)
                                                                       the host makes or disposes a registration */
MOOD_API void     mood_signal_watch (int32_t signum);               /* [any thread] the host has a registration: see signal.c */
MOOD_API void     mood_signal_unwatch (int32_t signum);             /* [any thread] no watcher of the host's is left */
MOOD_API int32_t  mood_signal_unguard (int32_t signum);             /* [one thread of the process at a time] 0: dispose the registration,
                                                                       and then call mood_signal_register with 0; else the result of
                                                                       mood_signal_owed */
MOOD_API int32_t  mood_signal_guard (int32_t signum);               /* [any thread] the registration was called. Result: how many calls are
                                                                       still owed; -1: not watched */
MOOD_API int32_t  mood_signal_owed (int32_t signum);                /* [any thread] how often the registration will still be called */
MOOD_API int32_t  mood_signal_arrived (int32_t signum);             /* [any thread] when the signal was fed last, in milliseconds of the
                                                                       monotonic clock, which wrap */
MOOD_API int32_t  mood_signal_arrivals (int32_t signum);            /* [any thread] how often the signal was fed to a loop; it wraps */
MOOD_API int32_t  mood_signal_raise (int32_t signum);               /* [any thread] 1: this thread has handled the signal, also if it blocks
                                                                       the signal; 0: there is no handler, and nothing was sent */
MOOD_API void     mood_child_set (mood_watcher *w, int32_t pid, int32_t trace, int32_t keep);
MOOD_API void     mood_child_status (mood_watcher *w, int32_t *rpid, int32_t *rstatus); /* a status of -1: it is lost */
MOOD_API int32_t  mood_child_code (mood_watcher *w, int32_t *code); /* 1: the last event was an exit with this code; 0: it was not. Windows,
                                                                       at any time: 1: the child has ended with this code of 32 bits; 0: it
                                                                       has not, or its code is not known */
MOOD_API int32_t  mood_child_process (mood_watcher *w, int64_t process); /* Windows, after mood_child_set: watches the process of this
                                                                       handle, which is duplicated; 0, or -errno. Elsewhere -ENOSYS */
MOOD_API void     mood_child_over (mood_watcher *w); /* after its start: the child was reaped before, and another process may have the pid */
MOOD_API int32_t  mood_child_kill (mood_watcher *w, int32_t signum); /* 0: sent, 1: the child has ended, 2: refused, see mood_pidfd_kill, or -errno */
MOOD_API int32_t  mood_pidfd_open (int32_t pid);                    /* [any thread] -1: no pidfds, no such process, or no file descriptor is left */
MOOD_API void     mood_pidfd_close (int32_t fd);                    /* [any thread] */
MOOD_API int32_t  mood_pidfd_end (int32_t fd, int32_t pid, int32_t *status); /* [any thread] see pidfd.c */
MOOD_API void     mood_pidfd_reap (int32_t fd, int32_t pid);        /* [any thread] after the host has reaped its own children */
MOOD_API int32_t  mood_child_passed (int32_t done);                 /* [any thread] the answer to mood_callbacks.reap. Result 1: the host
                                                                       must answer again */
MOOD_API int32_t  mood_stat_set (mood_watcher *w, const char *path, double interval);
MOOD_API double   mood_stat_interval (mood_watcher *w);
MOOD_API void     mood_stat_refresh (mood_watcher *w);
MOOD_API void     mood_embed_set (mood_watcher *w, mood_loop *other);
MOOD_API void     mood_embed_renew (mood_watcher *w);               /* watches the current fd of the other loop, which has run */
MOOD_API void     mood_async_send (mood_watcher *w);                /* [any thread] while the memory is held */
MOOD_API int32_t  mood_async_sent (mood_watcher *w);                /* [any thread] while the memory is held */

typedef struct
{
  int64_t  size, device, inode, device_type;
  int64_t  accessed_seconds, modified_seconds, changed_seconds;
  int32_t  accessed_nanos, modified_nanos, changed_nanos;
  uint32_t mode, link_count, user, group;
} mood_file_status;                                                 /* link_count 0: the file does not exist */

MOOD_API void     mood_stat_status (mood_watcher *w, int32_t previous, mood_file_status *status);

/* -- files -------------------------------------------------------------------------------------------------------- */
/* the modes of mood_stream_read and mood_stream_write, and results. mood_stream_open returns a new file descriptor (its mode is
 * MOOD_STREAM_OWN), or one of the negative values. */
#define MOOD_STREAM_SOCKET  -1 /* use the given fd with MOOD_STREAM_SOCKET */
#define MOOD_STREAM_PATIENT -2 /* use the given fd with MOOD_STREAM_PATIENT: it blocks, so it is polled first */
#define MOOD_STREAM_OWN      0 /* the mode of a new fd, which never blocks */
#define MOOD_STREAM_BLOCKS  -10000 /* the result of a read or write that would block; no errno */
#define MOOD_STREAM_REFUSED -3 /* a regular file, a directory or a block device, or writing to a blocking eventfd: it cannot be waited for */

MOOD_API int32_t  mood_stream_open (int32_t fd, int32_t uses);      /* [any thread] uses: 1: read, 2: write, 3: both. A new fd, which the
                                                                       caller closes, or MOOD_STREAM_; or -errno - 16 */
MOOD_API int32_t  mood_stream_read (int32_t fd, int32_t mode, char *buffer, int32_t size);        /* [any thread] the bytes, 0: the end,
                                                                       MOOD_STREAM_BLOCKS, or -errno */
MOOD_API int32_t  mood_stream_write (int32_t fd, int32_t mode, const char *buffer, int32_t size); /* [any thread] the bytes,
                                                                       MOOD_STREAM_BLOCKS, or -errno */
MOOD_API int32_t  mood_stream_poll (int32_t fd, int32_t writes, int32_t milliseconds);           /* [any thread] 1: ready; 0: not in this
                                                                       time; or -errno */
MOOD_API int32_t  mood_file_identity (const char *path, int64_t *identity); /* [any thread] device and inode; 0, or -errno */

/* -- sockets ------------------------------------------------------------------------------------------------------ */
#define MOOD_SOCKET_ERROR -1 /* an errno without a SocketError */

MOOD_API int32_t  mood_socket_receive (int32_t fd, char *buffer, int32_t size);    /* [any thread] the bytes, 0: the end; or the negative
                                                                       SocketError. Windows: the socket must be non-blocking */
MOOD_API int32_t  mood_socket_send (int32_t fd, const char *buffer, int32_t size); /* [any thread] the bytes; or the negative SocketError.
                                                                       Windows: as above */
MOOD_API int32_t  mood_socket_take_error (int32_t fd);                            /* [any thread] takes a message from the error queue of a
                                                                       socket: 1, or 0 if there is none; -1: the program asked for the
                                                                       messages */

/* clang-format on */

#endif
