/* Shared by the programs that run native loops while system calls fail: callbacks that count events, and a function syscall, which
 * replaces that of the C library. */
#ifndef MOOD_REFUSALS_H
#define MOOD_REFUSALS_H

#include "libev.h"
#include "host.h"
#include <dirent.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static int events; /* the calls of event */

/* Each program defines these two. is_refused_call sets errno and returns 1 if the call must fail. watch_call sees each call that
 * succeeded. */
static int is_refused_call (long number);
static void watch_call (long number, const long *arguments);

/* Like syscall of the C library, this function reads six arguments, even if the caller gives fewer. */
__attribute__ ((no_sanitize ("address"))) long
syscall (long number, ...)
{
  static long (*real) (long, ...);
  va_list list;
  long a [6], result;
  int i;

  va_start (list, number);

  for (i = 0; i < 6; ++i)
    a [i] = va_arg (list, long);

  va_end (list);

  if (is_refused_call (number))
    return -1;

  if (!real)
    real = (long (*) (long, ...))dlsym (RTLD_NEXT, "syscall");

  result = real (number, a [0], a [1], a [2], a [3], a [4], a [5]);

  if (result >= 0)
    watch_call (number, a);

  return result;
}

static void
event (void *data, mood_watcher *w, int32_t revents)
{
  (void)data;
  (void)w;
  (void)revents;
  ++events;
}
static void
wake (void *data)
{
  (void)data;
}
static double
reschedule (void *data, mood_watcher *w, double now)
{
  (void)data;
  (void)w;
  return now + 1.;
}

static const mood_callbacks callbacks = { event, pending, wake, reschedule, 0 };

/* Numbers from the limit on are not the program's: valgrind has its own files there, and opens more of them in a forked child. */
static int
open_fds (void)
{
  DIR *directory = opendir ("/proc/self/fd");
  struct dirent *entry;
  struct rlimit limit;
  int count = 0;

  getrlimit (RLIMIT_NOFILE, &limit);

  while ((entry = readdir (directory)))
    count += (rlim_t)atoi (entry->d_name) < limit.rlim_cur;

  closedir (directory);
  return count;
}

static void
dispose (mood_loop *loop)
{
  mood_loop_close (loop);
  mood_loop_release (loop);
}

#endif
