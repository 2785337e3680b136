/* ev_periodic in both its shapes: Periodic (offset and interval) and Scheduler (a reschedule function). */
#include "libev.h"

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
  return ev_periodic_at ((ev_periodic *)w);
}
