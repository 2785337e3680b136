/* epoll for libev, over wepoll, which asks AFD, the driver of Windows' sockets. wepoll.c stays unmodified. The macro below replaces the one call
 * with which it waits.
 *
 *   wake     a packet in the completion port's queue, with a key of our own
 *   time     a wait ends to the microsecond if Windows has high-resolution timers (Windows 10 1803), otherwise at the next tick of the system's
 *            clock, usually every 15.6 ms
 *   number   if libev adds a number that is in the port already, the old socket was closed, and a new one has its number
 *   reset    libev makes a new port. Threads may be about to post to the old one, so the structure below stays, and its lock guards `handle`
 */
#include <winsock2.h>
#include <windows.h>

static BOOL wait_port (HANDLE handle, OVERLAPPED_ENTRY *entries, ULONG count, ULONG *removed, DWORD timeout, BOOL alertable);

#define WEPOLL_EXPORT static __attribute__ ((unused))
#define GetQueuedCompletionStatusEx wait_port
#include "wepoll.c"
#undef GetQueuedCompletionStatusEx

#include "../libev.h"

#define MOOD_OVER_WEPOLL
#include <sys/epoll.h>

/* wepoll's own packets have the key 0 */
#define WAKE_KEY ((ULONG_PTR)0x6d6f6f64)
#define TIMER_KEY ((ULONG_PTR)0x74696d65)

/* of a loop: mood_loop.port */
typedef struct
{
  SRWLOCK lock;            /* shared while a thread posts, exclusive while `handle` is replaced */
  HANDLE handle;           /* the completion port, which is wepoll's handle too; null: none */
  struct epoll_event wake; /* the event that libev has registered for the loop's own wake; without events: not registered yet */
  int woken;               /* a wake was dequeued, and is not reported to libev yet */
  int64_t due;             /* the end of the wait under way, in ticks of the performance counter */
  HANDLE timer, packet;    /* made by have_timer; null before, and if Windows has no such timer */
  int tried;               /* have_timer was called */
} port;

/* the port that this thread waits for */
static __thread port *waiting;

static int64_t
ticks (void)
{
  LARGE_INTEGER now;

  QueryPerformanceCounter (&now);
  return now.QuadPart;
}

static int64_t
frequency (void)
{
  LARGE_INTEGER result;

  QueryPerformanceFrequency (&result);
  return result.QuadPart;
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

/* These calls are not in the SDK. They put a packet into a port when a timer expires. */
typedef LONG (NTAPI *create_packet) (HANDLE *packet, ACCESS_MASK access, void *attributes);
typedef LONG (NTAPI *associate_packet) (HANDLE packet, HANDLE port, HANDLE target, void *key, void *context, LONG status,
                                        ULONG_PTR information, BOOLEAN *signaled);
typedef LONG (NTAPI *cancel_packet) (HANDLE packet, BOOLEAN remove);

static struct
{
  create_packet create;
  associate_packet associate;
  cancel_packet cancel;
} nt;

static BOOL CALLBACK
find_calls (INIT_ONCE *once, void *parameter, void **context)
{
  HMODULE ntdll = GetModuleHandleW (L"ntdll.dll");

  (void)once;
  (void)parameter;
  (void)context;
  nt.create = (create_packet)(void *)GetProcAddress (ntdll, "NtCreateWaitCompletionPacket");
  nt.associate = (associate_packet)(void *)GetProcAddress (ntdll, "NtAssociateWaitCompletionPacket");
  nt.cancel = (cancel_packet)(void *)GetProcAddress (ntdll, "NtCancelWaitCompletionPacket");
  return TRUE;
}

static int
have_timer (port *p)
{
  static INIT_ONCE once = INIT_ONCE_STATIC_INIT;

  if (!p->tried)
    {
      p->tried = 1;
      InitOnceExecuteOnce (&once, find_calls, 0, 0);

      if (nt.create && nt.associate && nt.cancel)
        p->timer = CreateWaitableTimerExW (0, 0, 2 /* CREATE_WAITABLE_TIMER_HIGH_RESOLUTION */, TIMER_ALL_ACCESS);

      if (p->timer && nt.create (&p->packet, GENERIC_ALL, 0) < 0)
        p->packet = 0;
    }

  return p->packet != 0;
}

/* Makes the timer put a packet into the port after `left` ticks. */
static int
arm_timer (port *p, int64_t left)
{
  LARGE_INTEGER relative = { .QuadPart = -((left * 10000000 + frequency () - 1) / frequency ()) };
  BOOLEAN signaled;

  return have_timer (p) && SetWaitableTimer (p->timer, &relative, 0, 0, 0, FALSE)
         && nt.associate (p->packet, p->handle, p->timer, (void *)TIMER_KEY, 0, 0, 0, &signaled) >= 0;
}

/* -- the wait ------------------------------------------------------------------------------------------------------ */

/* A wait of at most FINE milliseconds uses the timer, which takes three more system calls. A longer wait begins without the timer. It ends at a
 * tick of the system's clock, at least FINE / 2 milliseconds too early, and the timer waits for the rest. */
enum { FINE = 40 };

/* Removes our own packets from the entries. Returns the number of wepoll's packets, which stay. */
static ULONG
sift (port *p, OVERLAPPED_ENTRY *entries, ULONG count)
{
  ULONG i, kept = 0;

  for (i = 0; i < count; ++i)
    if (entries [i].lpCompletionKey == WAKE_KEY)
      p->woken = 1;
    else if (entries [i].lpCompletionKey != TIMER_KEY)
      entries [kept++] = entries [i];

  return kept;
}

/* Waits once. Returns FALSE with the error WAIT_TIMEOUT if no packet has come. The wait is not alertable, because an APC (Thread.Interrupt queues
 * one) would end it and run code inside it. */
static BOOL
wait_once (port *p, OVERLAPPED_ENTRY *entries, ULONG count, ULONG *removed)
{
  int64_t left = p->due - ticks ();
  DWORD milliseconds = 0, error;
  int armed = 0;
  BOOL result;

  if (!p->woken && left > 0)
    {
      int64_t rounded_up = (left * 1000 + frequency () - 1) / frequency ();

      if (rounded_up <= FINE)
        armed = arm_timer (p, left);
      else if (have_timer (p))
        rounded_up -= FINE / 2;

      milliseconds = armed ? INFINITE : (DWORD)rounded_up;
    }

  result = GetQueuedCompletionStatusEx (p->handle, entries, count, removed, milliseconds, FALSE);
  error = GetLastError ();

  if (armed)
    nt.cancel (p->packet, TRUE);

  SetLastError (error);
  return result;
}

/* Replaces GetQueuedCompletionStatusEx inside wepoll's epoll_wait. Its parameters are wepoll's: the port that waits, and the end of the
 * wait, are in `waiting`. Our own packets are removed. Returns TRUE if at least one packet of wepoll has come. Returns FALSE with the
 * error WAIT_TIMEOUT at the end of the wait or after a wake: then epoll_wait returns 0. */
static BOOL
wait_port (HANDLE handle, OVERLAPPED_ENTRY *entries, ULONG count, ULONG *removed, DWORD timeout, BOOL alertable)
{
  port *p = waiting;

  (void)handle;
  (void)timeout;
  (void)alertable;

  for (;;)
    {
      if (wait_once (p, entries, count, removed))
        *removed = sift (p, entries, *removed);
      else if (GetLastError () == WAIT_TIMEOUT)
        *removed = 0;
      else
        return FALSE;

      if (*removed)
        return TRUE;

      if (p->woken || ticks () >= p->due)
        {
          SetLastError (WAIT_TIMEOUT);
          return FALSE;
        }
    }
}

int
mood_port_wait (mood_loop *l, struct epoll_event *events, int count, double seconds)
{
  port *p = l->port;
  int got;

  /* libev waits a minute at most */
  p->due = seconds > 0. ? ticks () + (int64_t)(seconds * (double)frequency ()) : 0;
  waiting = p;
  got = epoll_wait (p->handle, events, count, -1);

  /* A wake must not be lost, because its packet comes only once. So it replaces an error, which the next wait reports again. If `events` has no
   * room, the next wait reports the wake. */
  if (p->woken && p->wake.events && got < count)
    {
      got = got < 0 ? 0 : got;
      p->woken = 0;
      events [got++] = p->wake;
    }

  return got;
}

/* Any thread, while the loop's gate (async.c) or a feeder (feed.c) keeps the loop from closing. */
void
mood_port_wake (mood_loop *l)
{
  port *p = l->port;

  AcquireSRWLockShared (&p->lock);

  /* Posting fails while the system has no memory for the packet. A wake must not be lost, so this tries again. */
  while (!PostQueuedCompletionStatus (p->handle, 0, WAKE_KEY, 0))
    Sleep (1);

  ReleaseSRWLockShared (&p->lock);
}

/* -- the port ------------------------------------------------------------------------------------------------------ */

/* The system writes into a poll's memory until the poll has completed. wepoll frees this memory when it closes a port. So all polls are canceled
 * first, and their packets dequeued. */
static void
drain (port *p)
{
  ts_tree_node_t *node = ts_tree_find_and_ref (&epoll__handle_tree, (uintptr_t)p->handle);
  port_state_t *state = epoll__handle_tree_node_to_port (node);
  OVERLAPPED_ENTRY entries [64];
  struct epoll_event events [64];
  tree_node_t *socket;
  ULONG count;

  EnterCriticalSection (&state->lock);

  while ((socket = tree_root (&state->sock_tree)))
    sock_delete (state, sock_state_from_tree_node (socket));

  while (!queue_empty (&state->sock_deleted_queue) && GetQueuedCompletionStatusEx (p->handle, entries, 64, &count, 1000, FALSE))
    port__feed_events (state, events, entries, sift (p, entries, count));

  LeaveCriticalSection (&state->lock);
  ts_tree_node_unref (node);
}

static void
close_handle (port *p, HANDLE handle)
{
  p->handle = handle;
  drain (p);
  epoll_close (handle);
  p->handle = 0;
}

/* -ENOMEM, or 0 */
int
mood_port_reserve (mood_loop *l)
{
  if (!l->port)
    l->port = calloc (1, sizeof (port));

  return l->port ? 0 : -ENOMEM;
}

/* Frees the structure that mood_port_reserve has made, unless its port is open. */
void
mood_port_drop (mood_loop *l)
{
  port *p = l->port;

  if (!p || p->handle)
    return;

  if (p->packet)
    CloseHandle (p->packet);

  if (p->timer)
    CloseHandle (p->timer);

  free (p);
  l->port = 0;
}

/* If a reset cannot make a new port, the loop keeps the one that it has. */
int
mood_port_open (mood_loop *l)
{
  port *p = l->port;
  HANDLE old = p->handle, handle = epoll_create1 (0);

  if (!handle)
    return old ? MOOD_PORT_FD : -1;

  AcquireSRWLockExclusive (&p->lock);
  p->handle = handle;
  ReleaseSRWLockExclusive (&p->lock);

  if (old)
    {
      port closing = { .handle = old };

      close_handle (&closing, old);
      p->woken = 1; /* a wake may have been in the old port */
      p->wake.events = 0;
    }

  return MOOD_PORT_FD;
}

void
mood_port_close (mood_loop *l)
{
  port *p = l->port;

  /* In a reset the port stays open. mood_port_open closes it after it has made the new one. */
  if (!__atomic_load_n (&l->open, __ATOMIC_SEQ_CST))
    close_handle (p, p->handle);
}

/* Whether the number is that of a socket. Otherwise errno tells what it is. */
static int
is_socket (int fd)
{
  int type, size = sizeof type;
  DWORD flags;

  if (!getsockopt ((SOCKET)fd, SOL_SOCKET, SO_TYPE, (char *)&type, &size) || WSAGetLastError () != WSAENOTSOCK)
    return 1;

  errno = GetHandleInformation ((HANDLE)(intptr_t)fd, &flags) ? ENOTSOCK : EBADF;
  return 0;
}

int
mood_port_set (mood_loop *l, int operation, int fd, struct epoll_event *event)
{
  port *p = l->port;

  if (fd == MOOD_WAKE_FD)
    {
      p->wake = *event;
      return 0;
    }

  /* another loop's port, for an embed: a port cannot be watched */
  if (fd == MOOD_PORT_FD)
    {
      errno = ENOSYS;
      return -1;
    }

  /* wepoll checks this too, but its check always succeeds under Wine. */
  if (operation == EPOLL_CTL_ADD && !is_socket (fd))
    return -1;

  if (!epoll_ctl (p->handle, operation, (SOCKET)fd, event))
    return 0;

  /* The call failed because the socket was closed, so it is not in the port any more. After an error, libev would reset the port. */
  if (operation == EPOLL_CTL_DEL)
    return 0;

  if (operation != EPOLL_CTL_ADD || errno != EEXIST)
    return -1;

  epoll_ctl (p->handle, EPOLL_CTL_DEL, (SOCKET)fd, event);
  return epoll_ctl (p->handle, EPOLL_CTL_ADD, (SOCKET)fd, event);
}
