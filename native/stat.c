/* ev_stat: the watcher owns its path. */
#include "libev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int32_t
mood_stat_set (mood_watcher *w, const char *path, double interval)
{
  ev_stat *stat = (ev_stat *)w;
  char *copy = strdup (path);

  if (!copy)
    return -ENOMEM;

  free ((char *)stat->path);
  ev_stat_set (stat, copy, interval);
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

#if __APPLE__
# define NANOS(st, which) (st)->st_ ## which ## timespec.tv_nsec
#else
# define NANOS(st, which) (st)->st_ ## which ## tim.tv_nsec
#endif

void
mood_stat_status (mood_watcher *w, int32_t previous, mood_file_status *status)
{
  const ev_statdata *st = previous ? &((ev_stat *)w)->prev : &((ev_stat *)w)->attr;

  memset (status, 0, sizeof *status);

  if (!st->st_nlink)
    return;

  status->size = st->st_size;
  status->device = (int64_t)st->st_dev;
  status->inode = (int64_t)st->st_ino;
  status->device_type = (int64_t)st->st_rdev;
  status->accessed_seconds = st->st_atime;
  status->modified_seconds = st->st_mtime;
  status->changed_seconds = st->st_ctime;
  status->accessed_nanos = (int32_t)NANOS (st, a);
  status->modified_nanos = (int32_t)NANOS (st, m);
  status->changed_nanos = (int32_t)NANOS (st, c);
  status->mode = st->st_mode;
  status->link_count = (uint32_t)st->st_nlink;
  status->user = st->st_uid;
  status->group = st->st_gid;
}
