/* ev_periodic in its two forms: Periodic has an offset and an interval, Scheduler has a reschedule function. */
#include "libev.h"

#include <math.h>

void
mood_periodic_set (mood_watcher *w, double offset, double interval)
{
  ev_periodic_set ((ev_periodic *)w, offset, interval, 0);
}

void
mood_periodic_set_interval (mood_watcher *w, double interval)
{
  ((ev_periodic *)w)->interval = interval;
}

void
mood_periodic_again (mood_watcher *w)
{
  mood_watcher_stop (w);
  mood_watcher_start (w);
}

double
mood_periodic_at (mood_watcher *w)
{
  double at = ev_periodic_at ((ev_periodic *)w);

  return w->kind == MOOD_SCHEDULER && at >= MOOD_NEVER ? INFINITY : at;
}
