/* libev's configuration on Windows, for libev.h. There is one backend: epoll, over wepoll (epoll.c). libev's select would pass FD_SETs of 64
 * sockets and walk all of them. */
#include <signal.h>
#include <sys/stat.h>

#define EV_USE_SELECT 0
#define EV_USE_POLL 0
#define EV_USE_EPOLL 1
#define EV_USE_EVENTFD 1 /* the loop's own wake, which is a packet: libev/descriptors.c */
#define EV_CHILD_ENABLE 1
#define EV_SELECT_IS_WINSOCKET 0

/* The numbers of signals that the C library has no name for. SIGCHLD is ours alone: child.c feeds it when a watched process ends. */
#define SIGHUP 1
#define SIGQUIT 3
#define SIGKILL 9
#define SIGCHLD 17

/* More fields of a Child. handle: the process, or null. wait: the registration while the watcher is active, or null. error: why there is no
 * handle. over: the process has ended; atomic, because a thread of the system sets it. Only the loop's thread uses the other
 * fields. */
#define MOOD_CHILD_SYSTEM \
 void *handle, *wait;     \
 uint32_t error;          \
 int32_t over;

/* ev.h names `struct _stati64` and ev.c calls `_stati64 (path, status)`. Here both names mean mood_stat_data. The
 * structure has nanoseconds and a file's identity. The function is in status.c, and takes a path in UTF-8. */
struct mood_stat_data
{
  int64_t st_size, st_dev, st_ino, st_rdev;
  int64_t st_atime, st_mtime, st_ctime;
  struct
  {
    int32_t tv_nsec;
  } st_atim, st_mtim, st_ctim;
  uint32_t st_mode, st_nlink, st_uid, st_gid;
};

int mood_stat_data (const char *path, struct mood_stat_data *status);

#undef _stati64
#define _stati64 mood_stat_data
