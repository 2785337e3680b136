/* The path and the status of a file that a stat watcher watches. */
#include "libev.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* If the current directory has been deleted, the path stays relative. */
char *
mood_stat_absolute (const char *path)
{
  char directory [PATH_MAX], *result;

  if (*path == '/' || !getcwd (directory, sizeof directory))
    return strdup (path);

  return asprintf (&result, "%s/%s", directory, path) < 0 ? 0 : result;
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
