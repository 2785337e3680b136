/* The functions that the testing build adds (build.sh with CFLAGS=-DMOOD_TESTING). The tests use that build. The package ships the
 * normal build, which exports none of them and in which nothing fails on request. */
#ifndef MOOD_TESTING_H
#define MOOD_TESTING_H

#include "mood_event.h"

enum mood_live { MOOD_LOOPS, MOOD_WATCHERS };

/* The features that an older kernel or another processor lacks: the argument of mood_lacks. */
#define MOOD_PIDFD 1      /* Linux before 5.4, macOS: only SIGCHLD reports a child's end */
#define MOOD_PIDFD_INFO 2 /* Linux before 6.15: the status of a child that the host has reaped is lost */
#define MOOD_CYCLES 4     /* a processor without a constant cycle counter: clock.c reads the clock instead */

#if MOOD_TESTING

/* clang-format off */
MOOD_API int32_t  mood_live (int32_t what);                         /* [any thread] how many of enum mood_live exist */
MOOD_API void     mood_fail_allocation (int32_t after);             /* [any thread] libev's nth allocation from now fails; 0: none */
MOOD_API void     mood_fail_wait (int32_t error);                   /* [any thread] a loop's next wait fails with this errno */
MOOD_API void     mood_fail_watch (int32_t error);                  /* [any thread] the next epoll_ctl fails with this errno */
MOOD_API void     mood_loop_clock (mood_loop *l, int32_t manual, double monotonic, double realtime); /* replaces the kernel's clocks for libev in l */
MOOD_API void     mood_lacks (int32_t what);                        /* [any thread] the library behaves as if these features were missing, as bits */

/* clang-format on */

void mood_count (int what, int change);
int mood_allocation_fails (void);
int mood_wait_fails (void);
int mood_watch_fails (void);
int mood_is_lacking (int what);

#else

/* clang-format off */
static inline void mood_count (int what, int change) { (void)what; (void)change; }
static inline int  mood_allocation_fails (void) { return 0; }
static inline int  mood_wait_fails (void) { return 0; }
static inline int  mood_watch_fails (void) { return 0; }
static inline int  mood_is_lacking (int what) { (void)what; return 0; }
/* clang-format on */

#endif

#endif
