/* What the benchmarks in C share. A function bench_LIBRARY_SCENARIO runs one round in the calling process and returns one
 * number, as a rule nanoseconds per operation; negative when the round could not run here or did not do its work. */
#ifndef MOOD_BENCH_H
#define MOOD_BENCH_H

#ifndef _GNU_SOURCE
# define _GNU_SOURCE 1
#endif

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define BENCH_API __attribute__ ((visibility ("default")))

enum
{
  BENCH_UNAVAILABLE = -1, /* this machine cannot: no such backend, not enough fds */
  BENCH_WRONG = -2        /* the callbacks or bytes counted are not those there had to be */
};

/* nanoseconds of the monotonic clock */
static inline double
bench_now (void)
{
  struct timespec ts;

  clock_gettime (CLOCK_MONOTONIC, &ts);
  return ts.tv_sec * 1e9 + ts.tv_nsec;
}

#endif
