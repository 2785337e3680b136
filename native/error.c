/* libev gives up in three cases: a failed assert, ev_syserr, and no memory. This file turns each of them into a failure of the
 * loop. */
#include "libev.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__thread int mood_verifying;

/* Some functions of libev would retry for ever after an error. Here syserr limits their attempts to this number, a millisecond apart.
 * Then the process ends with a message. */
#define RETRIES 1000

static __thread int retries;

void
mood_error_record (mood_loop *l, int error, const char *message)
{
  if (!l->error)
    {
      l->error = error ? error : -1;
      strncpy (l->message, message, sizeof l->message - 1);
    }

  mood_loop_halt (l);

  /* the loop may be about to wait, and would fail only after its next event */
  if (l->ev)
    mood_ev_do_not_wait (l->ev);
}

static void
give_up (const char *message, int error)
{
  fprintf (stderr, "libmood_event: %s: %s\n", message, strerror (error));
  abort ();
}

/* `condition` is the source text of libev's assert: ("libev: the message", test) */
void
mood_assert_failed (const char *condition)
{
  int error = errno;

  if (mood_verifying || !mood_current)
    {
      fprintf (stderr, "libmood_event: assertion failed: %s\n", condition);
      abort ();
    }

  /* libev stops the watchers of a closed fd, perhaps also its own pipe_w, and feeds them EV_ERROR, which names the fd. It may wait before it
   * handles these events, and the wake prevents that. NativeTests checks that the libev in use has these texts. */
  if (strstr (condition, "invalid fd found") || strstr (condition, "found invalid fd") || strstr (condition, "bad fd")
      || strstr (condition, "pipe_w not active"))
    {
      ev_async_send (mood_current->ev, &mood_current->wake);
      return;
    }

  mood_error_record (mood_current, error, condition);
}

/* libev calls this when a system call fails in a way that it cannot handle. Some callers then go on, and the loop ends. Others retry
 * the system call until it succeeds, at most RETRIES times, which takes a second. */
static void
syserr (const char *message) EV_NOEXCEPT
{
  int error = errno;

  if (mood_current && mood_current->ev && mood_ev_ask_again (mood_current->ev, error))
    return;

  if (!mood_current || ++retries > RETRIES)
    give_up (message, error);

  if (mood_current->error)
    usleep (1000);

  mood_error_record (mood_current, error, message);
}

/* libev aborts the process when it gets no memory, because it cannot undo a change halfway. To prevent that, this file keeps a reserve: a
 * block of memory that nothing uses. When memory runs out, `allocate` frees the reserve, so that libev gets its memory and the process can
 * still report the error. The loop ends with ENOMEM. When the host takes the error, fill_reserve allocates the block again. If memory
 * runs out although the reserve is freed, libev aborts. */
#define RESERVE (1 << 20)

static void *reserve;

static void *
allocate (void *pointer, long size) EV_NOEXCEPT
{
  void *result;

  if (!size)
    {
      free (pointer);
      return 0;
    }

  if (!mood_allocation_fails () && (result = realloc (pointer, (size_t)size)))
    return result;

  free (__atomic_exchange_n (&reserve, 0, __ATOMIC_SEQ_CST));
  result = realloc (pointer, (size_t)size);

  if (mood_current)
    mood_error_record (mood_current, ENOMEM, "out of memory");

  return result;
}

static void
fill_reserve (void)
{
  void *none = 0, *block = __atomic_load_n (&reserve, __ATOMIC_SEQ_CST) ? 0 : malloc (RESERVE);

  if (block && !__atomic_compare_exchange_n (&reserve, &none, block, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    free (block);
}

void
mood_error_install (void)
{
  ev_set_syserr_cb (syserr);
  ev_set_allocator (allocate);
  fill_reserve ();
}

int32_t
mood_loop_error (mood_loop *l, char *text, int32_t size)
{
  int error = l->error;

  retries = 0;

  if (error)
    fill_reserve (); /* After any error, not only ENOMEM: memory may have run out after the error that was recorded first. */

  if (error && size > 0)
    {
      strncpy (text, l->message, (size_t)size - 1);
      text [size - 1] = 0;
    }

  l->error = 0;
  memset (l->message, 0, sizeof l->message);
  return error;
}

int32_t
mood_error_text (int32_t error, char *text, int32_t size)
{
  return snprintf (text, (size_t)size, "%s", strerror (error));
}
