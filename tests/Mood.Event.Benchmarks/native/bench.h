/* What the benchmarks in C share. A function bench_LIBRARY_SCENARIO runs one round in the calling process and returns one
 * number, as a rule nanoseconds per operation; negative when the round could not run here or did not do its work. */
#ifndef MOOD_BENCH_H
#define MOOD_BENCH_H

#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define BENCH_API __attribute__ ((visibility ("default")))

enum {
  BENCH_UNAVAILABLE = -1, /* this machine cannot: no such backend, not enough fds */
  BENCH_WRONG = -2        /* the callbacks or bytes counted are not those there had to be */
};

static inline double
bench_clock (clockid_t id)
{
  struct timespec ts;

  clock_gettime (id, &ts);
  return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/* nanoseconds of the monotonic clock: for latencies, and for what several threads or processes do together */
static inline double
bench_now (void)
{
  return bench_clock (CLOCK_MONOTONIC);
}

/* nanoseconds of processor time of this thread, in system calls too: for all that happens on one thread. What else a
 * shared machine does meanwhile is not in it, nor is time spent waiting. */
static inline double
bench_busy (void)
{
  return bench_clock (CLOCK_THREAD_CPUTIME_ID);
}

/* Keeps this thread, and those that it makes from now on, on one core. Returns 0 unless that cannot be. */
static inline int
bench_pin (int32_t core)
{
#if __linux__
  cpu_set_t one;

  CPU_ZERO (&one);
  CPU_SET (core, &one);
  return sched_setaffinity (0, sizeof one, &one);
#else
  (void)core;
  return BENCH_UNAVAILABLE;
#endif
}

/* bytes that malloc has given out; -1 where it does not say: clock-libev.c */
int64_t bench_malloced (void);

#endif
