/* Time. A loop uses the kernel's clocks or one of two manual ones:
 *   mood_loop_clock   only in the testing build: takes the place of the kernel's clocks, and libev reads it in the same way
 *   mood_loop_manual  the host's clock (ManualClock), exact to the last bit: the loop never waits for time (libev/manual.c) */
#include "libev.h"

#include <errno.h>
#include <time.h>
#if __x86_64__
# include <cpuid.h>
#endif

static void
set_timespec (struct timespec *ts, double t)
{
  ts->tv_sec = (time_t)t;
  ts->tv_nsec = (long)((t - (double)ts->tv_sec) * 1e9);
}

static int
read_clock (mood_loop *l, clockid_t id, struct timespec *ts)
{
  if (!l || !l->manual)
    return clock_gettime (id, ts);

  set_timespec (ts, id == CLOCK_REALTIME ? l->realtime : l->monotonic);
  return 0;
}

/* libev calls clock_gettime without a loop argument. The loop is the one whose native code this thread runs. */
int
mood_hook_clock_gettime (clockid_t id, struct timespec *ts)
{
  mood_loop *l = mood_current;
  int result;

  /* libev reads the time after it has renewed its kernel state and before it decides whether to wait. At this point the
   * reference that io_uring leaks must be given up, or the loop would wait although nothing is active. */
  if (l && l->ev)
    {
      mood_ev_return_reference (l->ev);

      if (l->manual == MANUAL_HOST)
        mood_ev_take_poll (l->ev);

      if (id == CLOCK_MONOTONIC && mood_between (l))
        mood_ev_look_below (l->ev);

      /* If a callback started the host's first process, the host's handler has replaced our SIGCHLD handler. Install ours again. */
      if (id == CLOCK_MONOTONIC && ev_is_default_loop (l->ev))
        mood_signal_renew (SIGCHLD);
    }

  result = read_clock (l, id, ts);

  if (id == CLOCK_REALTIME && l && l->reschedules)
    {
      struct timespec monotonic;

      l->reschedules = 0;
      read_clock (l, CLOCK_MONOTONIC, &monotonic);
      mood_ev_reify_periodics (l->ev, ts, &monotonic);
    }

  return result;
}

void
mood_loop_manual (mood_loop *l)
{
  l->manual = MANUAL_HOST;
  mood_ev_manual (l->ev);
}

int32_t
mood_loop_due (mood_loop *l, double *monotonic)
{
  *monotonic = mood_ev_due (l->ev);
  return mood_ev_busy (l->ev);
}

double
mood_loop_lag (mood_loop *l)
{
  double times [MOOD_TIMES] = { l->monotonic, l->origin };
  struct timespec ts;

  if (l->manual == MANUAL_HOST)
    l->host.clock (l->data, times);
  else if (l->manual == MANUAL_NONE)
    {
      clock_gettime (CLOCK_MONOTONIC, &ts);
      times [0] = (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
    }

  return times [0] - mood_ev_monotonic (l->ev);
}

/* -- the cycle counter --------------------------------------------------------------------------------------------------------------
 * A timer that is started outside a run counts from the present time. Reading the clock costs as much as the rest of a start, so
 * the clock is not read again while the cycle counter shows that the loop's time is at most 30 us old. A counter that was set back,
 * by a suspended machine or on another processor, gives a huge difference, and the clock is read. */

/* The least number of cycles in 30 us. 0: the processor has no constant counter, so the clock is always read. mood_initialize
 * writes it once. */
static uint64_t fresh;

void
mood_clock_initialize (void)
{
#if __x86_64__
  unsigned a, b, c, d;

  /* Bit 8 of EDX: the counter is invariant. It runs at 0.8 GHz or more, so the time is at most 30 us old. */
  if (__get_cpuid (0x80000007, &a, &b, &c, &d) && d & 1 << 8)
    fresh = 24000;
#elif __aarch64__ && !_WIN32
  uint64_t frequency;

  __asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
  fresh = frequency * 30 / 1000000;
#endif
}

uint64_t
mood_cycles (void)
{
  uint64_t cycles = 0;

#if __x86_64__
  if (fresh)
    cycles = __builtin_ia32_rdtsc ();
#elif __aarch64__ && !_WIN32
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(cycles));
#endif

  return cycles;
}

int32_t
mood_loop_stale (mood_loop *l)
{
  return l->manual || mood_is_lacking (MOOD_CYCLES) || mood_cycles () - l->looked >= fresh;
}

int64_t
mood_ticks (void)
{
  return (int64_t)mood_cycles ();
}

double
mood_time (void)
{
  struct timespec ts;

  clock_gettime (CLOCK_REALTIME, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* A signal handler may run on this thread. nanosleep then returns early, and the rest of the time is slept again. */
void
mood_sleep (double seconds)
{
  struct timespec ts;

  if (!(seconds > 0.))
    return;

  set_timespec (&ts, seconds);

  while (nanosleep (&ts, &ts) && errno == EINTR)
    ;
}
