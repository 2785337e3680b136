/* POSIX for our files on Windows: windows/clock.c. */
#ifndef MOOD_SCHED_H
#define MOOD_SCHED_H

int sched_yield (void);

#endif
