/* POSIX for our files on Windows: windows/clock.c. */
#ifndef MOOD_TIME_H
#define MOOD_TIME_H

#include_next <time.h>

typedef int clockid_t;

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1

int clock_gettime (clockid_t id, struct timespec *ts);
int nanosleep (const struct timespec *ts, struct timespec *left);

#endif
