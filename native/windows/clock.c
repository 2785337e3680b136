/* The clocks and sleeps of POSIX that our files and libev use: include/. No wait is alertable, so no APC ends it. */
#include <winsock2.h>
#include <windows.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "../libev.h"

/* from 1601 to 1970, in the units of a FILETIME */
#define EPOCH 116444736000000000

enum { UNITS = 10000000, NANOS = 1000000000 };

int
clock_gettime (clockid_t id, struct timespec *ts)
{
  if (id == CLOCK_REALTIME)
    {
      FILETIME now;
      int64_t units;

      GetSystemTimePreciseAsFileTime (&now);
      units = ((int64_t)now.dwHighDateTime << 32 | now.dwLowDateTime) - EPOCH;
      ts->tv_sec = units / UNITS;
      ts->tv_nsec = (long)(units % UNITS) * (NANOS / UNITS);
    }
  else
    {
      LARGE_INTEGER now, frequency;

      QueryPerformanceCounter (&now);
      QueryPerformanceFrequency (&frequency);
      ts->tv_sec = now.QuadPart / frequency.QuadPart;
      ts->tv_nsec = (long)(now.QuadPart % frequency.QuadPart * NANOS / frequency.QuadPart);
    }

  return 0;
}

/* It sleeps to the end: nothing interrupts it. The longest sleep is 2000 years. */
int
nanosleep (const struct timespec *ts, struct timespec *left)
{
  HANDLE timer = CreateWaitableTimerExW (0, 0, 2 /* CREATE_WAITABLE_TIMER_HIGH_RESOLUTION */, TIMER_ALL_ACCESS);
  int64_t seconds = ts->tv_sec < 63072000000 ? ts->tv_sec : 63072000000;
  LARGE_INTEGER due = { .QuadPart = -(seconds * UNITS + (ts->tv_nsec + 99) / 100) };

  (void)left;

  if (!timer)
    timer = CreateWaitableTimerExW (0, 0, 0, TIMER_ALL_ACCESS);

  if (timer && SetWaitableTimer (timer, &due, 0, 0, 0, FALSE))
    WaitForSingleObject (timer, INFINITE);
  else
    Sleep ((DWORD)(-due.QuadPart / (UNITS / 1000) + 1));

  if (timer)
    CloseHandle (timer);

  return 0;
}

int
usleep (unsigned microseconds)
{
  struct timespec ts = { .tv_sec = microseconds / 1000000, .tv_nsec = (long)(microseconds % 1000000) * 1000 };

  return nanosleep (&ts, 0);
}

/* The other thread may have a lower priority: then only a real sleep lets it run. */
int
sched_yield (void)
{
  if (!SwitchToThread ())
    Sleep (1);

  return 0;
}
