/* ev_stat. The watcher owns its path. The path is absolute (mood_stat_absolute), because libev reads the status repeatedly and the
 * process may change its current directory in between. */
#include "libev.h"

#include <errno.h>
#include <stdlib.h>

/* The interval for a watcher that names none (0). libev itself uses this interval where inotify does not work. Where inotify works, libev
 * would use 30 s. That is too long for the changes that inotify does not report (see libev/descriptors.c). */
#define DEFAULT_INTERVAL 5.0074891

int32_t
mood_stat_set (mood_watcher *w, const char *path, double interval)
{
  ev_stat *stat = (ev_stat *)w;
  char *copy = mood_stat_absolute (path);

  if (!copy)
    return -ENOMEM;

  free ((char *)stat->path);
  ev_stat_set (stat, copy, interval ? interval : DEFAULT_INTERVAL);
  return 0;
}

void
mood_stat_free (ev_stat *w)
{
  free ((char *)w->path);
}

double
mood_stat_interval (mood_watcher *w)
{
  return ((ev_stat *)w)->interval;
}

void
mood_stat_refresh (mood_watcher *w)
{
  ev_stat_stat (w->owner->ev, (ev_stat *)w);
}
