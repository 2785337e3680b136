/* The parts that the programs share that run native loops while system calls fail: checks, callbacks that count events, and a
 * definition of syscall that replaces that of the C library. */
#ifndef MOOD_REFUSALS_H
#define MOOD_REFUSALS_H

#include "libev.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/syscall.h>

#define CHECK(condition)                                      \
 do                                                           \
  {                                                           \
   if (!(condition))                                          \
    {                                                         \
     fprintf (stderr, "line %d: %s\n", __LINE__, #condition); \
     exit (1);                                                \
    }                                                         \
  }                                                           \
 while (0)

static int events; /* the calls of event */

/* Whether the program makes this system call fail. Then it has set errno. Each program defines this function. */
static int is_refused_call (long number);
static void watch_call (long number, const long *arguments);

long
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

static void
pending (void *data)
{
  mood_loop *loop = *(mood_loop **)data;
  mood_queue *queue = mood_loop_queue (loop);

  *queue->priority = MOOD_PRIORITIES;

  do
    for (--*queue->priority; queue->counts [*queue->priority] && !queue->halted;)
      {
        mood_pending slot = queue->slots [*queue->priority][--queue->counts [*queue->priority]];
        mood_watcher_head *head = (mood_watcher_head *)slot.watcher;

        head->pending = 0;

        if (head->id)
          event (loop, slot.watcher, slot.revents);
        else
          mood_watcher_call (loop, slot.watcher, slot.revents);
      }
  while (*queue->priority);
}

static const mood_callbacks callbacks = { event, pending, wake, reschedule, 0 };

static int
open_fds (void)
{
  DIR *directory = opendir ("/proc/self/fd");
  int count = 0;

  while (readdir (directory))
    ++count;

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
