/* The declarations that the benchmarks in C share. A function bench_LIBRARY_SCENARIO runs one round in the calling process and
 * returns one number, in most cases nanoseconds per operation. A negative number says that the round could not run here, or did
 * not do its work. */
#ifndef MOOD_BENCH_H
#define MOOD_BENCH_H

#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define BENCH_API __attribute__ ((visibility ("default")))

enum {
  BENCH_UNAVAILABLE = -1, /* this machine lacks the backend, or has not enough fds */
  BENCH_WRONG = -2        /* the number of callbacks or bytes is wrong */
};

static inline double
bench_clock (clockid_t id)
{
  struct timespec ts;

  clock_gettime (id, &ts);
  return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/* The monotonic clock in nanoseconds, for latencies and for work of several threads or processes. */
static inline double
bench_now (void)
{
  return bench_clock (CLOCK_MONOTONIC);
}

/* The processor time of this thread in nanoseconds, including system calls, for work on one thread. It includes neither other
 * work of a shared machine nor time spent waiting. */
static inline double
bench_busy (void)
{
  return bench_clock (CLOCK_THREAD_CPUTIME_ID);
}

/* Pins this thread, and the threads that it makes from now on, to one core. Returns 0 on success. */
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

/* The number of bytes that are allocated with malloc, or -1 if it is unknown (clock-libev.c). */
int64_t bench_malloced (void);

#endif
