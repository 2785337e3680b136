/* Takes the place of the managed code in the C programs: calls the pending watchers. Each program defines a function `event`. */
#ifndef MOOD_HOST_H
#define MOOD_HOST_H

#include "mood_event.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#if _WIN32
# define LAST_ERROR ((int)GetLastError ())
#else
# define LAST_ERROR errno
#endif

/* clang-format off */
#define CHECK(condition) \
  do { if (!(condition)) { fprintf (stderr, "line %d: %s (error %d)\n", __LINE__, #condition, LAST_ERROR); exit (1); } } while (0)
/* clang-format on */

/* Called for a watcher's event. Each program defines it. */
static void event (void *data, mood_watcher *w, int32_t revents);

/* For a program whose loops no thread wakes. */
static inline void
no_wake (void *data)
{
  (void)data;
}

/* Walks the pending queue as mood_event.h describes it and as the managed side does. */
static void
pending (void *data)
{
  mood_loop *loop = *(mood_loop **)data;
  mood_queue *queue = mood_loop_queue (loop);

  *queue->priority = MOOD_PRIORITIES;

  do
    for (--*queue->priority; queue->counts [*queue->priority];)
      {
        mood_pending slot;
        mood_watcher_head *head;

        if (queue->halted)
          return;

        slot = queue->slots [*queue->priority][--queue->counts [*queue->priority]];
        head = (mood_watcher_head *)slot.watcher;
        head->pending = 0;

        if (!head->id)
          mood_watcher_call (loop, slot.watcher, slot.revents);
        else
          {
            if (!head->plain)
              mood_watcher_settle (slot.watcher);

            event (data, slot.watcher, slot.revents);
          }
      }
  while (*queue->priority);
}

#endif
