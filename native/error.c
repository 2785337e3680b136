/* libev's three ways to give up (assert, ev_syserr, no memory) as errors of the loop that ran into them. */
#include "libev.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__thread int mood_verifying;

/* a retrying loop inside libev got this many chances of a millisecond each before it counts as hopeless */
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
}

static void
give_up (const char *message, int error)
{
  fprintf (stderr, "libmood_event: %s: %s\n", message, strerror (error));
  abort ();
}

/* `condition` is libev's text and test: ("libev: what is wrong", test) */
void
mood_assert_failed (const char *condition)
{
  int error = errno;

  if (mood_verifying || !mood_current)
    {
      fprintf (stderr, "libmood_event: assertion failed: %s\n", condition);
      abort ();
    }

  /* libev goes on to kill the fd: its watchers get EV_ERROR, which says more than this does. It may be on its way to
   * wait by now, and would not look at what became pending before something else happens. */
  if (strstr (condition, "invalid fd found") || strstr (condition, "found invalid fd") || strstr (condition, "bad fd"))
    {
      ev_async_send (mood_current->ev, &mood_current->wake);
      return;
    }

  mood_error_record (mood_current, error, condition);
}

/* Called by libev where a system call failed in a way it cannot handle. Some callers go on, and the loop ends; others
 * retry for ever, so that they get a second and then a message. */
static void
syserr (const char *message) EV_NOEXCEPT
{
  int error = errno;

  if (error == ECANCELED && mood_current && mood_ev_ask_again (mood_current->ev))
    return;

  if (!mood_current || ++retries > RETRIES)
    give_up (message, error);

  if (mood_current->error)
    usleep (1000);

  mood_error_record (mood_current, error, message);
}

/* libev aborts when it gets no memory, in places that cannot be undone halfway. So there is a last reserve: when memory
 * runs out it is given up, libev gets what it asked for, and the loop ends with ENOMEM while there is still room to say
 * so. It is laid in again when the error is taken. Only when not even that helps, libev has its way. */
#define RESERVE (1 << 20)

static void *reserve;
static int fail_after;

static void *
allocate (void *pointer, long size) EV_NOEXCEPT
{
  void *result;

  if (!size)
    {
      free (pointer);
      return 0;
    }

  if (!__atomic_load_n (&fail_after, __ATOMIC_RELAXED) || __atomic_sub_fetch (&fail_after, 1, __ATOMIC_RELAXED))
    if ((result = realloc (pointer, (size_t)size)))
      return result;

  free (__atomic_exchange_n (&reserve, 0, __ATOMIC_SEQ_CST));
  result = realloc (pointer, (size_t)size);

  if (mood_current)
    mood_error_record (mood_current, ENOMEM, "out of memory");

  return result;
}

static void
lay_in (void)
{
  void *none = 0, *block = __atomic_load_n (&reserve, __ATOMIC_SEQ_CST) ? 0 : malloc (RESERVE);

  if (block && !__atomic_compare_exchange_n (&reserve, &none, block, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    free (block);
}

void
mood_fail_allocation (int32_t after)
{
  __atomic_store_n (&fail_after, after, __ATOMIC_RELAXED);
}

static int fail_wait;

void
mood_fail_wait (int32_t error)
{
  __atomic_store_n (&fail_wait, error, __ATOMIC_RELAXED);
}

int
mood_wait_fails (void)
{
  int error = __atomic_load_n (&fail_wait, __ATOMIC_RELAXED);

  if (error)
    {
      __atomic_store_n (&fail_wait, 0, __ATOMIC_RELAXED);
      errno = error;
    }

  return error;
}

void
mood_error_install (void)
{
  ev_set_syserr_cb (syserr);
  ev_set_allocator (allocate);
  lay_in ();
}

int32_t
mood_loop_error (mood_loop *l, char *text, int32_t size)
{
  int error = l->error;

  retries = 0;

  if (error == ENOMEM)
    lay_in ();

  if (error && size > 0)
    {
      strncpy (text, l->message, (size_t)size - 1);
      text [size - 1] = 0;
    }

  l->error = 0;
  memset (l->message, 0, sizeof l->message);
  return error;
}
