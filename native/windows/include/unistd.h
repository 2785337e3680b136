/* POSIX for our files on Windows: windows/clock.c. */
#ifndef MOOD_UNISTD_H
#define MOOD_UNISTD_H

int usleep (unsigned microseconds);

#endif
