/* ev_stat. The watcher owns its path. The path is absolute, because libev reads the status repeatedly and the process may
 * change its current directory in between. */
#include "libev.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The interval for a watcher that names none (0). It is libev's own where inotify does not work. Where inotify works, libev would
 * use 30 s. That is too long for the changes that inotify does not report (see libev/descriptors.c). */
#define DEFAULT_INTERVAL 5.0074891

/* Returns the absolute path in new memory, or null. If the current directory has been deleted, the path stays relative. */
static char *
absolute (const char *path)
{
  char directory [PATH_MAX], *result;

  if (*path == '/' || !getcwd (directory, sizeof directory))
    return strdup (path);

  return asprintf (&result, "%s/%s", directory, path) < 0 ? 0 : result;
}

int32_t
mood_stat_set (mood_watcher *w, const char *path, double interval)
{
  ev_stat *stat = (ev_stat *)w;
  char *copy = absolute (path);

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

#if __APPLE__
# define NANOS(st, which) (st)->st_##which##timespec.tv_nsec
#else
# define NANOS(st, which) (st)->st_##which##tim.tv_nsec
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
