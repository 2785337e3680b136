/* Asks the host to look for its own children, and reaps the children whose end was reported before the host answered. child.c
 * explains the protocol, and reaps the other children. The system call is in pidfd.c (mood_pidfd_reap). */
#include "child.h"

#include <signal.h>
#include <stdlib.h>

/* Atomic, any thread. epoch: the epoch of the next look; a question to the host begins a new one. asked: the epoch of the question that
 * the host has not answered yet, or 0. passed: the last epoch that the host has answered. */
static int epoch = 1, asked, passed;

/* Children that were reported before they could be reaped. */
typedef struct
{
  pid_t pid;
  int fd, epoch;
} owed;

static owed *debts;
static int count, capacity;
static int debt_lock; /* guards debts, count and capacity */

/* The epoch for a look that begins now. */
int
mood_reaping_epoch (void)
{
  return __atomic_load_n (&epoch, __ATOMIC_SEQ_CST);
}

/* Whether the host has answered for this epoch. Then a zombie of the epoch that is still there does not belong to the host. */
int
mood_reaping_passed (int e)
{
  return e <= __atomic_load_n (&passed, __ATOMIC_ACQUIRE);
}

/* under the lock */
static int
is_owed (pid_t pid)
{
  int i, found = 0;

  for (i = 0; i < count; ++i)
    found |= debts [i].pid == pid;

  return found;
}

int
mood_reaping_owes (pid_t pid)
{
  int found;

  mood_lock (&debt_lock);
  found = is_owed (pid);
  mood_unlock (&debt_lock);
  return found;
}

/* The kernel has given this number to another pidfd. So another part of the process has closed the pidfd that had it. */
void
mood_reaping_lose (int fd)
{
  int i;

  mood_lock (&debt_lock);

  for (i = 0; i < count; ++i)
    if (debts [i].fd == fd)
      debts [i].fd = -1;

  mood_unlock (&debt_lock);
}

void
mood_reaping_ask (void)
{
  known *k;
  int i, wanted = 0, none = 0;

  for (k = mood_known; k; k = k->next)
    if (k->state == ENDED && !mood_reaping_passed (k->epoch) && mood_child_visit (mood_child_reaps, k->pid))
      wanted = 1;

  mood_lock (&debt_lock);

  for (i = 0; i < count; ++i)
    wanted |= debts [i].epoch > passed;

  /* under the lock, because mood_child_passed also begins a question */
  if (!wanted || !__atomic_compare_exchange_n (&asked, &none, epoch, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    wanted = 0;
  else
    __atomic_add_fetch (&epoch, 1, __ATOMIC_SEQ_CST);

  mood_unlock (&debt_lock);

  if (!wanted)
    return;

  /* Our handler calls the host's handler, which reaps before it returns. A host without a handler has no children. */
  if (mood_signals == MOOD_SIGNALS_NATIVE || !mood_signal_is_handled (SIGCHLD))
    {
      if (mood_signals == MOOD_SIGNALS_NATIVE)
        mood_signal_raise (SIGCHLD);

      mood_child_passed (1);
    }
  else if (mood_child_home->host.reap (mood_child_home->data) < 0)
    mood_child_passed (0); /* the next look asks again */
}

int32_t
mood_child_passed (int32_t done)
{
  int i, again = 0, e;

  mood_lock (&debt_lock);
  e = __atomic_load_n (&asked, __ATOMIC_SEQ_CST);

  if (done)
    {
      __atomic_store_n (&passed, e, __ATOMIC_SEQ_CST);

      for (i = count; i--;)
        if (debts [i].epoch > e)
          again = 1;
        else
          {
            mood_pidfd_reap (debts [i].fd, debts [i].pid);
            mood_pidfd_close (debts [i].fd);
            debts [i] = debts [--count];
          }
    }

  /* Repeats the question for the children that the loop has reported since. The loop itself may not run any more. */
  __atomic_store_n (&asked, again ? __atomic_fetch_add (&epoch, 1, __ATOMIC_SEQ_CST) : 0, __ATOMIC_SEQ_CST);
  mood_unlock (&debt_lock);

  if (done)
    mood_feed_signal (SIGCHLD);

  return again;
}

/* Called when the end of a child is reported before the host has answered. mood_child_passed reaps the child after the answer. If there is
 * no memory to remember the child, it stays a zombie. An answer that came just before this call may have been for an earlier epoch. So the
 * host is asked again here, because the loop may never look again. */
void
mood_reaping_owe (pid_t pid, int fd, int e)
{
  mood_lock (&debt_lock);

  if (count == capacity)
    {
      owed *grown = realloc (debts, (size_t)(capacity + 16) * sizeof *debts);

      if (grown)
        {
          debts = grown;
          capacity += 16;
        }
    }

  if (e <= passed) /* the answer came meanwhile */
    mood_pidfd_reap (fd, pid);

  /* A child that is watched again before it is reaped is owed once. A second debt could reap a later child with its pid. */
  if (e > passed && count < capacity && !is_owed (pid))
    debts [count++] = (owed){ pid, fd, e };
  else
    mood_pidfd_close (fd);

  mood_unlock (&debt_lock);
  mood_reaping_ask ();
}
