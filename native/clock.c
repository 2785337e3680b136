/* Time: the real clocks, and the manual ones a loop may live on. Of those there are two: the tests set one of them as the
 * kernel's clocks would be, and libev looks at it in its own way (mood_loop_clock); the other is the host's, exact to the last
 * bit, and a loop that has it never waits for time (mood_loop_manual, manual.h). */
#include "libev.h"

#include <errno.h>
#include <time.h>

static void
set_timespec (struct timespec *ts, double t)
{
  ts->tv_sec = (time_t)t;
  ts->tv_nsec = (long)((t - (double)ts->tv_sec) * 1e9);
}

/* libev asks for the time without saying for which loop: it is the one this thread is in */
int
mood_hook_clock_gettime (clockid_t id, struct timespec *ts)
{
  mood_loop *l = mood_current;

  /* libev takes the time after it has made its kernel state anew and before it decides whether to wait: the place to
   * take back the reference that leaks with io_uring, or the loop waits with nothing left to wait for */
  if (l && l->ev)
    {
      mood_ev_settle (l->ev);

      /* and to see whether a callback started the host's first process */
      if (id == CLOCK_MONOTONIC && ev_is_default_loop (l->ev))
        mood_signal_renew (SIGCHLD);
    }

  if (!l || !l->manual)
    return clock_gettime (id, ts);

  set_timespec (ts, id == CLOCK_REALTIME ? l->realtime : l->monotonic);
  return 0;
}

void
mood_loop_clock (mood_loop *l, int32_t manual, double monotonic, double realtime)
{
  l->manual = manual ? MANUAL_SET : MANUAL_NONE;
  l->monotonic = monotonic;
  l->realtime = realtime;
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

double
mood_time (void)
{
  struct timespec ts;

  clock_gettime (CLOCK_REALTIME, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* a signal handler of the runtime may run on this thread: that is no reason to wake early */
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
