/* The testing build's counters and faults: see testing.h. Other builds compile this file to nothing. */
#include "libev.h"

#if MOOD_TESTING

# include <errno.h>

static int live [2];

void
mood_count (int what, int change)
{
  __atomic_add_fetch (live + what, change, __ATOMIC_RELAXED);
}

int32_t
mood_live (int32_t what)
{
  return __atomic_load_n (live + what, __ATOMIC_ACQUIRE);
}

/* n: the nth allocation from now fails; 0: none fails */
static int allocations;

void
mood_fail_allocation (int32_t after)
{
  __atomic_store_n (&allocations, after, __ATOMIC_RELAXED);
}

int
mood_allocation_fails (void)
{
  return __atomic_load_n (&allocations, __ATOMIC_RELAXED) && !__atomic_sub_fetch (&allocations, 1, __ATOMIC_RELAXED);
}

/* the errno with which the next wait or epoll_ctl fails; 0: it does not fail */
static int wait_error, watch_error;

static int
take (int *next)
{
  int error = __atomic_exchange_n (next, 0, __ATOMIC_RELAXED);

  if (error)
    errno = error;

  return error;
}

void
mood_fail_wait (int32_t error)
{
  __atomic_store_n (&wait_error, error, __ATOMIC_RELAXED);
}

int
mood_wait_fails (void)
{
  return take (&wait_error);
}

void
mood_fail_watch (int32_t error)
{
  __atomic_store_n (&watch_error, error, __ATOMIC_RELAXED);
}

int
mood_watch_fails (void)
{
  return take (&watch_error);
}

/* MOOD_PIDFD, MOOD_PIDFD_INFO, MOOD_CYCLES: what the library must not use */
static int lacking;

void
mood_lacks (int32_t what)
{
  __atomic_store_n (&lacking, what, __ATOMIC_RELAXED);
}

int
mood_is_lacking (int what)
{
  return __atomic_load_n (&lacking, __ATOMIC_RELAXED) & what;
}

void
mood_loop_clock (mood_loop *l, int32_t manual, double monotonic, double realtime)
{
  l->manual = manual ? MANUAL_SET : MANUAL_NONE;
  l->monotonic = monotonic;
  l->realtime = realtime;
  l->looked = 0;
}

#else

typedef int mood_testing_is_off; /* C requires a declaration in each file */

#endif
