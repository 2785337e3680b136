/* Tests mood_event.dll without .NET, on Windows or under Wine. The package's DriverTests.cs runs this program. Its argument is
 * the name of a test, or:
 *   (none)     runs all tests
 *   fine       runs all tests with a fake of the system calls behind the fine timers, which Wine 8 lacks
 *   console    tests the handler of console events with a fake console
 *   exit N     is a child that ends with that exit code
 *   wait       is a child that runs until it is killed (at most 60 s) */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>

#include "host.h"

#include <math.h>
#include <string.h>

enum { READ = 1, WRITE = 2, NOWAIT = 1, ONCE = 2, BREAK_ALL = 2, BACKEND_EPOLL = 4, NOENV = 0x01000000 };

/* Values of errno in the C library that the DLL uses. */
enum { NO_SOCKET = 128, BAD_FD = 9, NO_SYSTEM = 40, TOO_LARGE = 34 };

/* -- the host ------------------------------------------------------------------------------------------------------ */

typedef struct
{
  mood_watcher *w;
  int seen, revents, stop_after;
  void (*call) (mood_watcher *w);
} watch;

/* The watch of each watcher, by the watcher's id. One thread makes the watchers, except where a test says otherwise. */
static watch watches [4096];

static mood_watcher *
make (mood_loop *loop, int kind, int id)
{
  memset (watches + id, 0, sizeof *watches);
  CHECK (watches [id].w = mood_watcher_new (loop, kind, id));
  return watches [id].w;
}

static void
event (void *data, mood_watcher *w, int32_t revents)
{
  watch *of = watches + ((mood_watcher_head *)w)->id;

  (void)data;
  of->revents = revents;

  if (++of->seen == of->stop_after)
    mood_watcher_stop (w);

  if (of->call)
    of->call (w);
}

static LONG wakes;

static void
wake (void *data)
{
  (void)data;
  InterlockedIncrement (&wakes);
}

static double
reschedule (void *data, mood_watcher *w, double now)
{
  (void)data;
  (void)w;
  return now + 0.001;
}

static const mood_callbacks callbacks = { event, pending, wake, reschedule, 0, 0 };

static mood_loop *
new_loop (int is_default, mood_loop **place)
{
  CHECK (!mood_loop_new (NOENV, is_default, &callbacks, place, place));
  return *place;
}

static void
end (mood_loop *loop)
{
  char text [256];
  int error = mood_loop_error (loop, text, sizeof text);

  if (error)
    fprintf (stderr, "the loop has failed: %d %s\n", error, text);

  CHECK (!error);
  mood_loop_close (loop);
  mood_loop_release (loop);
}

static void
drop (int id)
{
  mood_watcher_stop (watches [id].w);
  mood_watcher_free (watches [id].w);
}

static double
seconds (void)
{
  LARGE_INTEGER now, frequency;

  QueryPerformanceCounter (&now);
  QueryPerformanceFrequency (&frequency);
  return (double)now.QuadPart / (double)frequency.QuadPart;
}

/* Runs the loop until the watcher was called `seen` times. Fails after 30 s. */
static void
until (mood_loop *loop, int id, int seen)
{
  double start = seconds ();

  while (watches [id].seen < seen)
    {
      CHECK (seconds () - start < 30.);
      CHECK (!(mood_loop_run (loop, ONCE) & MOOD_RUN_FAILED));
    }
}

static void
run_for (mood_loop *loop, double time)
{
  double start = seconds ();

  while (seconds () - start < time)
    {
      CHECK (!(mood_loop_run (loop, NOWAIT) & MOOD_RUN_FAILED));
      Sleep (1);
    }
}

/* -- sockets ------------------------------------------------------------------------------------------------------- */

static SOCKET
listener (struct sockaddr_in *address)
{
  SOCKET s = socket (AF_INET, SOCK_STREAM, 0);
  int size = sizeof *address;

  memset (address, 0, sizeof *address);
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  CHECK (s != INVALID_SOCKET && !bind (s, (struct sockaddr *)address, size) && !listen (s, 64));
  CHECK (!getsockname (s, (struct sockaddr *)address, &size));
  return s;
}

static SOCKET
non_blocking (SOCKET s)
{
  u_long on = 1;

  CHECK (s != INVALID_SOCKET && !ioctlsocket (s, FIONBIO, &on));
  return s;
}

static void
pair_of (SOCKET from, struct sockaddr_in *address, SOCKET *pair)
{
  pair [0] = socket (AF_INET, SOCK_STREAM, 0);
  CHECK (pair [0] != INVALID_SOCKET && !connect (pair [0], (struct sockaddr *)address, sizeof *address));
  pair [1] = non_blocking (accept (from, 0, 0));
  non_blocking (pair [0]);
}

static void
pair_up (SOCKET *pair)
{
  struct sockaddr_in address;
  SOCKET from = listener (&address);

  pair_of (from, &address, pair);
  closesocket (from);
}

static void
watch_socket (mood_loop *loop, int id, SOCKET s, int events)
{
  CHECK (mood_fd_check ((int)s) >= 0);
  mood_io_set (make (loop, MOOD_IO, id), (int)s, events);
  CHECK (!mood_watcher_start (watches [id].w));
}

/* -- the tests ----------------------------------------------------------------------------------------------------- */

static void
about (void)
{
  mood_loop *loop;
  char text [100];

  CHECK (mood_abi_version () == MOOD_ABI_VERSION);
  CHECK (mood_libev_version () == (4 << 16 | 33));
  CHECK (mood_supported_backends () == BACKEND_EPOLL && mood_recommended_backends () == BACKEND_EPOLL
         && !mood_embeddable_backends ());
  CHECK (mood_error_text (2, text, sizeof text) > 0 && strlen (text));
  CHECK (mood_loop_new (NOENV | 1, 0, &callbacks, &loop, &loop) == -MOOD_ENOBACKEND); /* select */
  CHECK (mood_loop_backend (new_loop (0, &loop)) == BACKEND_EPOLL);
  end (loop);
}

static void
numbers (void)
{
  SOCKET s = socket (AF_INET, SOCK_DGRAM, 0);
  HANDLE file = CreateEventW (0, 0, 0, 0), pipe [2];

  CHECK (mood_fd_check ((int)s) == 0 || mood_fd_check ((int)s) == 1);
  SetHandleInformation ((HANDLE)s, HANDLE_FLAG_INHERIT, 0);
  CHECK (mood_fd_check ((int)s) == 1);
  SetHandleInformation ((HANDLE)s, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
  CHECK (mood_fd_check ((int)s) == 0);
  CHECK (mood_fd_check ((int)s + 1) == -BAD_FD && mood_fd_check (-1) == -BAD_FD && mood_fd_check (0) == -BAD_FD);
  CHECK (mood_fd_check (MOOD_FDS) == -TOO_LARGE && mood_fd_check (INT_MAX) == -TOO_LARGE);
  CHECK (mood_fd_check ((int)(intptr_t)file) == -NO_SOCKET);
  CHECK (CreatePipe (pipe, pipe + 1, 0, 0) && mood_fd_check ((int)(intptr_t)pipe [0]) == -NO_SOCKET);
  closesocket (s);
  CHECK (mood_fd_check ((int)s) == -BAD_FD);
  CloseHandle (file);
  CloseHandle (pipe [0]);
  CloseHandle (pipe [1]);
}

static double times [64];

static void
note_time (mood_watcher *w)
{
  watch *of = watches + ((mood_watcher_head *)w)->id;

  times [of->seen - 1] = seconds ();
}

static void
timers (void)
{
  mood_loop *loop;
  double start, previous, worst = 0.;
  FILETIME file_time;
  int i;

  new_loop (0, &loop);
  mood_timer_set (make (loop, MOOD_TIMER, 1), 0.02, 0.02);
  watches [1].stop_after = 20;
  watches [1].call = note_time;
  mood_loop_now_update (loop);
  start = previous = seconds ();
  CHECK (!mood_watcher_start (watches [1].w));
  mood_loop_run (loop, 0);
  CHECK (watches [1].seen == 20 && times [19] - start >= 0.399);

  for (i = 0; i < 20; previous = times [i++])
    worst = fmax (worst, fabs (times [i] - previous - 0.02));

  printf ("timers: 20 of 20 ms took %.1f ms, the worst distance from 20 ms was %.2f ms\n", (times [19] - start) * 1e3,
          worst * 1e3);

  /* A wait that has a coarse part and a fine one. */
  mood_timer_set (watches [1].w, 0.15, 0.);
  watches [1].seen = 0;
  mood_loop_now_update (loop);
  start = seconds ();
  CHECK (!mood_watcher_start (watches [1].w));
  mood_loop_run (loop, 0);
  CHECK (times [0] - start >= 0.1499);

  GetSystemTimePreciseAsFileTime (&file_time);
  CHECK (fabs (((double)((uint64_t)file_time.dwHighDateTime << 32 | file_time.dwLowDateTime) - 116444736e9) / 1e7 - mood_time ())
         < 0.1);
  start = seconds ();
  mood_sleep (0.05);
  CHECK (seconds () - start >= 0.0499);
  mood_watcher_free (watches [1].w);
  end (loop);
}

static void
io (void)
{
  mood_loop *loop;
  SOCKET pair [2], extra;
  struct linger reset = { 1, 0 };
  struct sockaddr_in address;
  char buffer [256];
  long sent = 0, got = 0;
  int i;

  new_loop (0, &loop);
  pair_up (pair);

  /* An Io is level-triggered. Both directions work, with one watcher and with two. */
  watch_socket (loop, 1, pair [0], READ);
  mood_loop_run (loop, NOWAIT);
  CHECK (!watches [1].seen && mood_socket_receive ((int)pair [0], buffer, 10) == -WSAEWOULDBLOCK);
  CHECK (mood_socket_send ((int)pair [1], "hello", 5) == 5);
  until (loop, 1, 3);
  CHECK (watches [1].revents == READ && !mood_socket_receive ((int)pair [0], buffer, 0)
         && mood_socket_receive ((int)pair [0], buffer, 10) == 5);
  watches [1].seen = 0;
  watch_socket (loop, 2, pair [0], WRITE);
  until (loop, 2, 2);
  CHECK (watches [2].revents == WRITE && !watches [1].seen);

  for (i = 0; i < 100; ++i) /* the watcher for one direction is stopped and started repeatedly */
    {
      mood_watcher_stop (watches [2].w);
      CHECK (send (pair [1], "x", 1, 0) == 1);
      until (loop, 1, i + 1);
      CHECK (recv (pair [0], buffer, 1, 0) == 1);
      watches [2].seen = 0;
      CHECK (!mood_watcher_start (watches [2].w));
      until (loop, 2, 1);
      mood_loop_run (loop, NOWAIT);
      watches [1].seen = i + 1;
    }

  drop (2);

  /* A sender whose buffer is full waits until the receiver has read. */
  non_blocking (pair [1]);
  watch_socket (loop, 2, pair [1], WRITE);

  while (sent < 1 << 22)
    {
      static char block [65536];
      int n = mood_socket_send ((int)pair [1], block, sizeof block);

      if (n > 0)
        sent += n;
      else
        {
          CHECK (n == -WSAEWOULDBLOCK);

          while ((n = recv (pair [0], block, sizeof block, 0)) > 0)
            got += n;

          watches [2].seen = 0;
          until (loop, 2, 1);
        }
    }

  while (got < sent)
    {
      static char block [65536];
      int n = recv (pair [0], block, sizeof block, 0);

      if (n > 0)
        got += n;
      else
        until (loop, 1, watches [1].seen + 1);
    }

  drop (2);

  /* An Io is called when the other side ends its sending, and when it resets the connection. */
  CHECK (!shutdown (pair [1], SD_SEND));
  watches [1].seen = 0;
  until (loop, 1, 1);
  CHECK (!mood_socket_receive ((int)pair [0], buffer, 10));
  setsockopt (pair [1], SOL_SOCKET, SO_LINGER, (char *)&reset, sizeof reset);
  closesocket (pair [1]);
  watches [1].seen = 0;
  until (loop, 1, 1);
  drop (1);
  closesocket (pair [0]);

  /* After a refused connect the socket is ready to write. */
  extra = listener (&address);
  closesocket (extra);
  extra = non_blocking (socket (AF_INET, SOCK_STREAM, 0));
  CHECK (connect (extra, (struct sockaddr *)&address, sizeof address) < 0 && WSAGetLastError () == WSAEWOULDBLOCK);
  watch_socket (loop, 1, extra, WRITE);
  until (loop, 1, 1);
  drop (1);
  closesocket (extra);

  /* datagrams */
  pair [0] = non_blocking (socket (AF_INET, SOCK_DGRAM, 0));
  pair [1] = socket (AF_INET, SOCK_DGRAM, 0);
  memset (&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  i = sizeof address;
  CHECK (!bind (pair [0], (struct sockaddr *)&address, i) && !getsockname (pair [0], (struct sockaddr *)&address, &i));
  watch_socket (loop, 1, pair [0], READ);
  CHECK (sendto (pair [1], "datagram", 8, 0, (struct sockaddr *)&address, i) == 8);
  until (loop, 1, 1);
  CHECK (recv (pair [0], buffer, sizeof buffer, 0) == 8);
  drop (1);
  closesocket (pair [0]);
  closesocket (pair [1]);
  end (loop);
}

/* An Io that is started with a closed socket is stopped and gets an error event. An Io whose socket is closed later gets no
 * event. */
static void
closed (void)
{
  mood_loop *loop;
  SOCKET pair [2];

  new_loop (0, &loop);
  pair_up (pair);
  watch_socket (loop, 1, pair [0], READ);
  closesocket (pair [0]);
  until (loop, 1, 1);
  CHECK (watches [1].revents & (int)0x80000000 && !((mood_watcher_head *)watches [1].w)->active);
  mood_watcher_free (watches [1].w);

  watch_socket (loop, 1, pair [1], READ);
  mood_loop_run (loop, NOWAIT);
  watches [1].seen = 0;
  closesocket (pair [1]);
  run_for (loop, 0.05);
  drop (1);
  end (loop);
}

/* Windows gives the number of a closed socket to the next one. The events of every socket are reported, even if libev and the
 * port have not noticed the close. */
static void
reuse (void)
{
  mood_loop *loop;
  struct sockaddr_in address;
  SOCKET from = listener (&address), pair [2], last = 0;
  int i, same = 0, rounds = 600;

  new_loop (0, &loop);

  for (i = 0; i < rounds; ++i)
    {
      pair_of (from, &address, pair);
      same += pair [1] == last;
      last = pair [1];
      watch_socket (loop, 1, pair [1], i % 3 == 1 ? READ | WRITE : READ);

      if (i % 2)
        mood_loop_run (loop, NOWAIT); /* now the port watches the socket */

      if (i % 5)
        {
          watches [1].seen = 0;
          CHECK (send (pair [0], "x", 1, 0) == 1);

          do
            until (loop, 1, watches [1].seen + 1);
          while (!(watches [1].revents & READ));
        }

      /* Either the watcher is stopped before the socket is closed, or after it. */
      if (i % 7)
        mood_watcher_stop (watches [1].w);

      closesocket (pair [1]);
      closesocket (pair [0]);
      drop (1);
    }

  printf ("reuse: %d of %d sockets had the number of the one before\n", same, rounds);
  closesocket (from);
  end (loop);
}

enum { PAIRS = 500, ASYNC = PAIRS + 1 };

static SOCKET pairs [PAIRS][2];
static int received;

static void
receive_one (mood_watcher *w)
{
  char byte;

  CHECK (recv (pairs [((mood_watcher_head *)w)->id - 1][0], &byte, 1, 0) == 1);
  ++received;
}

/* Many sockets have events at once, and a wake comes among them. libev's array of events is too small, and grows. */
static void
many (void)
{
  struct sockaddr_in address;
  SOCKET from = listener (&address);
  mood_loop *loop;
  int i, round;

  new_loop (0, &loop);
  make (loop, MOOD_ASYNC, ASYNC);
  mood_watcher_start (watches [ASYNC].w);

  for (i = 0; i < PAIRS; ++i)
    {
      pair_of (from, &address, pairs [i]);
      watch_socket (loop, i + 1, pairs [i][0], READ);
      watches [i + 1].call = receive_one;
    }

  for (round = 1; round <= 10; ++round)
    {
      double start = seconds ();

      received = 0;
      mood_loop_run (loop, NOWAIT);

      for (i = 0; i < PAIRS; ++i)
        CHECK (send (pairs [i][1], "x", 1, 0) == 1);

      mood_async_send (watches [ASYNC].w);

      while (received < PAIRS || watches [ASYNC].seen < round)
        {
          CHECK (seconds () - start < 30.);
          mood_loop_run (loop, ONCE);
        }

      CHECK (received == PAIRS && watches [ASYNC].seen == round);
    }

  for (i = 0; i < PAIRS; ++i)
    {
      drop (i + 1);
      closesocket (pairs [i][0]);
      closesocket (pairs [i][1]);
    }

  drop (ASYNC);
  closesocket (from);
  end (loop);
}

/* -- wakes --------------------------------------------------------------------------------------------------------- */

enum { SENDERS = 4, SENDS = 20000 };

static DWORD WINAPI
send_many (void *watcher)
{
  int i;

  for (i = 0; i < SENDS; ++i)
    mood_async_send (watcher);

  return 0;
}

static mood_watcher *pong;

static void
answer (mood_watcher *w)
{
  (void)w;
  mood_async_send (pong);
}

static volatile LONG stopping;

static DWORD WINAPI
answer_loop (void *place)
{
  mood_loop *loop = *(mood_loop **)place;

  while (!stopping)
    mood_loop_run (loop, ONCE);

  return 0;
}

static void
wakes_from_threads (void)
{
  mood_loop *loop, *other;
  HANDLE threads [SENDERS], thread;
  double start;
  int i;

  new_loop (0, &loop);
  make (loop, MOOD_ASYNC, 1);
  mood_watcher_start (watches [1].w);

  for (i = 0; i < SENDERS; ++i)
    threads [i] = CreateThread (0, 0, send_many, watches [1].w, 0, 0);

  while (WaitForMultipleObjects (SENDERS, threads, TRUE, 0) == WAIT_TIMEOUT)
    mood_loop_run (loop, NOWAIT);

  for (i = 0; i < SENDERS; ++i)
    CloseHandle (threads [i]);

  until (loop, 1, 1);
  printf ("wakes: %d sends, %d calls\n", SENDERS * SENDS, watches [1].seen);

  /* Each wake ends a wait of the other thread's loop. */
  new_loop (0, &other);
  make (other, MOOD_ASYNC, 2);
  mood_watcher_start (watches [2].w);
  watches [2].call = answer;
  pong = watches [1].w;
  stopping = 0;
  thread = CreateThread (0, 0, answer_loop, &other, 0, 0);
  watches [1].seen = 0;
  start = seconds ();

  for (i = 1; i <= 2000; ++i)
    {
      mood_async_send (watches [2].w);
      until (loop, 1, i);
    }

  printf ("wakes: %.1f us a round trip\n", (seconds () - start) * 1e6 / 2000);
  stopping = 1;
  mood_loop_wake (other);
  CHECK (WaitForSingleObject (thread, 30000) == WAIT_OBJECT_0);
  CloseHandle (thread);
  drop (1);
  drop (2);
  end (other);
  end (loop);
}

static DWORD WINAPI
wake_often (void *place)
{
  while (!stopping)
    mood_loop_wake (*(mood_loop **)place);

  return 0;
}

/* A reset makes a new port while another thread wakes the loop. The watchers stay active, and no wake is lost. */
static void
resets (void)
{
  mood_loop *loop;
  SOCKET pair [2];
  HANDLE thread;
  char byte;
  int i;

  new_loop (0, &loop);
  pair_up (pair);
  watch_socket (loop, 1, pair [0], READ);
  make (loop, MOOD_ASYNC, 2);
  mood_watcher_start (watches [2].w);
  mood_loop_run (loop, NOWAIT);
  stopping = 0;
  thread = CreateThread (0, 0, wake_often, &loop, 0, 0);

  for (i = 1; i <= 200; ++i)
    {
      CHECK (!mood_loop_reset (loop));

      if (i % 2)
        mood_loop_run (loop, NOWAIT);

      mood_async_send (watches [2].w);
      until (loop, 2, i);
      CHECK (send (pair [1], "x", 1, 0) == 1);
      watches [1].seen = 0;
      until (loop, 1, 1);
      CHECK (recv (pair [0], &byte, 1, 0) == 1);
    }

  stopping = 1;
  CHECK (WaitForSingleObject (thread, 30000) == WAIT_OBJECT_0);
  CloseHandle (thread);
  mood_loop_run (loop, NOWAIT);
  wakes = 0;

  /* A wake that was sent before a reset is not lost. */
  mood_loop_run (loop, NOWAIT);
  mood_loop_wake (loop);
  CHECK (!mood_loop_reset (loop));
  mood_loop_run (loop, ONCE);
  CHECK (wakes);

  drop (1);
  drop (2);
  closesocket (pair [0]);
  closesocket (pair [1]);
  end (loop);
}

/* -- children ------------------------------------------------------------------------------------------------------ */

static HANDLE
spawn (const char *arguments, int *pid)
{
  char path [MAX_PATH], line [MAX_PATH + 64];
  STARTUPINFOA start = { .cb = sizeof start };
  PROCESS_INFORMATION process;

  CHECK (GetModuleFileNameA (0, path, sizeof path));
  snprintf (line, sizeof line, "\"%s\" %s", path, arguments);
  CHECK (CreateProcessA (path, line, 0, 0, FALSE, 0, 0, 0, &start, &process));
  CloseHandle (process.hThread);
  *pid = (int)process.dwProcessId;
  return process.hProcess;
}

static void
child (mood_loop *loop, int id, int pid)
{
  mood_child_set (make (loop, MOOD_CHILD, id), pid, 0, 0);
  watches [id].stop_after = 1;
}

static void
children (void)
{
  static const int codes [] = { 0, 7, 255, 256, -1, (int)0x80000003, 259 };
  enum { MANY = 12 };
  mood_loop *loop;
  HANDLE processes [MANY];
  int i, pid, rpid, rstatus, code, same;
  char text [32];

  new_loop (1, &loop);

  for (i = 0; i < (int)(sizeof codes / sizeof *codes); ++i)
    {
      snprintf (text, sizeof text, "exit %d", codes [i]);
      HANDLE process = spawn (text, &pid);

      child (loop, 1, pid);
      child (loop, 2, 0);
      CHECK (mood_watcher_start (watches [2].w) == -NO_SYSTEM); /* pid 0: Windows has no children */
      mood_child_set (watches [2].w, pid, 0, 1);
      CHECK (!mood_child_process (watches [2].w, (intptr_t)process));
      CloseHandle (process);
      CHECK (!mood_child_code (watches [1].w, &code));
      CHECK (!mood_watcher_start (watches [1].w) && !mood_watcher_start (watches [2].w));
      mood_loop_run (loop, 0);
      CHECK (watches [1].seen == 1 && watches [2].seen == 1);
      mood_child_status (watches [1].w, &rpid, &rstatus);
      CHECK (rpid == pid && rstatus == (codes [i] & 0xff) << 8);
      CHECK (mood_child_code (watches [1].w, &code) && code == codes [i]);
      CHECK (mood_child_code (watches [2].w, &code) && code == codes [i]);
      CHECK (mood_child_kill (watches [1].w, 9) == 1);

      /* A watcher that is started again after the end is called again, because it still has the handle of the process. */
      watches [1].seen = 0;
      CHECK (!mood_watcher_start (watches [1].w));
      mood_loop_run (loop, 0);
      CHECK (watches [1].seen == 1 && mood_child_code (watches [1].w, &code) && code == codes [i]);
      mood_watcher_free (watches [1].w);
      mood_watcher_free (watches [2].w);
    }

  /* Many children, of which the first lives until it is killed. */
  for (i = 0; i < MANY; ++i)
    {
      snprintf (text, sizeof text, i ? "exit %d" : "wait", i);
      processes [i] = spawn (text, &pid);
      child (loop, i + 1, pid);
      CHECK (!mood_watcher_start (watches [i + 1].w));
    }

  for (i = 1; i < MANY; ++i)
    {
      until (loop, i + 1, 1);
      CHECK (mood_child_code (watches [i + 1].w, &code) && code == i);
    }

  CHECK (!mood_child_kill (watches [1].w, 0) && mood_child_kill (watches [1].w, 15) == -NO_SYSTEM && !watches [1].seen);
  CHECK (!mood_child_kill (watches [1].w, 9));
  until (loop, 1, 1);
  CHECK (mood_child_code (watches [1].w, &code) && code == -1);

  for (i = 0; i < MANY; ++i)
    {
      mood_watcher_free (watches [i + 1].w);
      CloseHandle (processes [i]);
    }

  /* For a process that does not exist the watcher is called, and the status is unknown. */
  child (loop, 1, 0x7ffffff0);
  CHECK (!mood_watcher_start (watches [1].w));
  mood_loop_run (loop, 0);
  mood_child_status (watches [1].w, &rpid, &rstatus);
  CHECK (watches [1].seen == 1 && rstatus == -1 && !mood_child_code (watches [1].w, &code));
  mood_watcher_free (watches [1].w);

  /* The loop is closed before the child ends. */
  processes [0] = spawn ("wait", &same);
  child (loop, 1, same);
  CHECK (!mood_watcher_start (watches [1].w));
  end (loop);
  TerminateProcess (processes [0], 3);
  WaitForSingleObject (processes [0], 30000);
  mood_watcher_free (watches [1].w);
  CloseHandle (processes [0]);
}

/* -- the rest ------------------------------------------------------------------------------------------------------ */

static void
signals (void)
{
  mood_loop *loop, *other;

  CHECK (!mood_signal_check (2) && !mood_signal_check (15) && !mood_signal_check (1) && !mood_signal_check (3));
  CHECK (mood_signal_check (9) < 0 && mood_signal_check (17) < 0 && mood_signal_check (64) < 0 && mood_signal_check (0) < 0);
  CHECK (mood_signal_number (1) == 2 && mood_signal_number (14) == 15 && mood_signal_number (9) == -1
         && mood_signal_number (99) == -1);
  new_loop (0, &loop);
  new_loop (0, &other);
  mood_signal_set (make (loop, MOOD_SIGNAL, 1), 2);
  mood_signal_set (make (other, MOOD_SIGNAL, 2), 2);
  CHECK (mood_signal_guard (2) == -1);
  mood_signal_watch (2);
  CHECK (!mood_watcher_start (watches [1].w) && mood_watcher_start (watches [2].w) < 0);
  CHECK (!mood_signal_guard (2));
  until (loop, 1, 1);
  mood_feed_signal (2);
  until (loop, 1, 2);
  mood_signal_unwatch (2);
  CHECK (!mood_signal_unguard (2) && !mood_signal_owed (2));
  drop (1);
  mood_watcher_free (watches [2].w);
  end (other);
  end (loop);
}

static void
write_file (const char *path, const char *text)
{
  FILE *file = fopen (path, "wb");

  CHECK (file && fputs (text, file) >= 0);
  fclose (file);
}

static void
files (void)
{
  mood_loop *loop;
  mood_file_status status;
  int64_t one [2], two [2];

  new_loop (0, &loop);
  remove ("stat.tmp");
  CHECK (!mood_stat_set (make (loop, MOOD_STAT, 1), "stat.tmp", 0.11));
  CHECK (!mood_watcher_start (watches [1].w));
  mood_stat_status (watches [1].w, 0, &status);
  CHECK (!status.link_count);
  write_file ("stat.tmp", "one");
  until (loop, 1, 1);
  mood_stat_status (watches [1].w, 0, &status);
  CHECK (status.link_count == 1 && status.size == 3 && fabs ((double)status.modified_seconds - mood_time ()) < 60.);
  write_file ("stat.tmp", "longer");
  until (loop, 1, watches [1].seen + 1);
  mood_stat_status (watches [1].w, 0, &status);
  CHECK (status.size == 6);
  CHECK (!mood_file_identity ("stat.tmp", one) && !mood_file_identity (".\\stat.tmp", two) && !memcmp (one, two, sizeof one));
  CHECK (mood_file_identity ("no such file", one) < 0);
  drop (1);
  remove ("stat.tmp");
  end (loop);
}

static void
refused (void)
{
  mood_loop *loop, *other;
  char byte, text [256];

  new_loop (0, &loop);
  new_loop (0, &other);
  mood_embed_set (make (loop, MOOD_EMBED, 1), other);
  CHECK (mood_watcher_start (watches [1].w) == -NO_SYSTEM);
  CHECK (mood_loop_error (loop, text, sizeof text) && strstr (text, "not embeddable")); /* this is libev's own message */
  drop (1);
  CHECK (mood_stream_open (4, 1) == -NO_SYSTEM - 16 && mood_stream_read (4, 0, &byte, 1) == -NO_SYSTEM);
  CHECK (mood_pidfd_open (4) == -1);
  end (other);
  end (loop);
}

/* The number of open handles, roughly. Wine does not count handles. There the value of a new handle serves as the number, because
 * it grows when handles are leaked. */
static DWORD
handle_count (void)
{
  HANDLE handle = CreateEventW (0, 0, 0, 0);
  DWORD count = 0;

  GetProcessHandleCount (GetCurrentProcess (), &count);
  CloseHandle (handle);
  return count ? count : (DWORD)(intptr_t)handle / 4;
}

/* Loops are closed while they watch sockets, and while wakes and polls are pending. No handle is leaked. */
static void
handles (void)
{
  DWORD before = 0, after;
  SOCKET pair [2];
  mood_loop *loop;
  int i, rounds = 10000;

  pair_up (pair);

  for (i = 0; i < rounds; ++i)
    {
      if (i == 100)
        before = handle_count ();

      new_loop (0, &loop);
      watch_socket (loop, 1, pair [0], READ);
      mood_loop_run (loop, NOWAIT);

      if (i % 3)
        mood_loop_wake (loop);

      if (i % 100 == 0)
        {
          mood_timer_set (make (loop, MOOD_TIMER, 2), 0.001, 0.);
          mood_watcher_start (watches [2].w);
          until (loop, 2, 1);
          mood_watcher_free (watches [2].w);
        }

      end (loop);
      mood_watcher_free (watches [1].w);
    }

  after = handle_count ();
  printf ("handles: %d loops, %lu handles before and %lu after\n", rounds, before, after);
  CHECK (before && after <= before + 8);
  closesocket (pair [0]);
  closesocket (pair [1]);
}

/* -- fakes for the fine timers --------------------------------------------------------------------------------------- */

/* Fakes of NtCreateWaitCompletionPacket and its siblings, which use waits of the system's thread pool. A packet is an event, and
 * each packet has one fake. */
static struct
{
  HANDLE packet, wait, port;
  void *key;
} fakes [64];

static SRWLOCK fakes_lock = SRWLOCK_INIT;
static LONG associated, canceled;

static void CALLBACK
expired (void *fake, BOOLEAN timed_out)
{
  int i = (int)(intptr_t)fake;

  (void)timed_out;
  PostQueuedCompletionStatus (fakes [i].port, 0, (ULONG_PTR)fakes [i].key, 0);
}

static int
fake_of (HANDLE packet)
{
  int i;

  AcquireSRWLockExclusive (&fakes_lock);

  for (i = 0; fakes [i].packet && fakes [i].packet != packet; ++i)
    CHECK (i < 63);

  fakes [i].packet = packet;
  ReleaseSRWLockExclusive (&fakes_lock);
  return i;
}

static LONG NTAPI
create_packet (HANDLE *packet, ACCESS_MASK access, void *attributes)
{
  CHECK (access && !attributes);
  *packet = CreateEventW (0, 0, 0, 0);
  return 0;
}

static LONG NTAPI
associate_packet (HANDLE packet, HANDLE port, HANDLE target, void *key, void *context, LONG status, ULONG_PTR information,
                  BOOLEAN *signaled)
{
  int i = fake_of (packet);

  CHECK (!fakes [i].wait && !context && !status && !information);
  *signaled = FALSE;
  fakes [i].port = port;
  fakes [i].key = key;
  CHECK (RegisterWaitForSingleObject (&fakes [i].wait, target, expired, (void *)(intptr_t)i, INFINITE,
                                      WT_EXECUTEONLYONCE | WT_EXECUTEINWAITTHREAD));
  InterlockedIncrement (&associated);
  return 0;
}

static LONG NTAPI
cancel_packet (HANDLE packet, BOOLEAN remove)
{
  int i = fake_of (packet);

  CHECK (remove && fakes [i].wait);
  UnregisterWaitEx (fakes [i].wait, INVALID_HANDLE_VALUE);
  fakes [i].wait = 0;
  InterlockedIncrement (&canceled);
  return 0;
}

static FARPROC WINAPI
fake_address (HMODULE module, const char *name)
{
  return !strcmp (name, "NtCreateWaitCompletionPacket")      ? (FARPROC)(void *)create_packet
         : !strcmp (name, "NtAssociateWaitCompletionPacket") ? (FARPROC)(void *)associate_packet
         : !strcmp (name, "NtCancelWaitCompletionPacket")    ? (FARPROC)(void *)cancel_packet
                                                             : GetProcAddress (module, name);
}

/* Replaces an imported system function in the import table of the library. */
static void
replace (const char *name, void *fake)
{
  char *base = (char *)GetModuleHandleA ("mood_event.dll");
  IMAGE_NT_HEADERS *headers = (IMAGE_NT_HEADERS *)(base + ((IMAGE_DOS_HEADER *)base)->e_lfanew);
  IMAGE_DATA_DIRECTORY *directory = headers->OptionalHeader.DataDirectory + IMAGE_DIRECTORY_ENTRY_IMPORT;
  IMAGE_IMPORT_DESCRIPTOR *library = (IMAGE_IMPORT_DESCRIPTOR *)(base + directory->VirtualAddress);
  FARPROC wanted = GetProcAddress (GetModuleHandleA ("kernel32.dll"), name);
  int found = 0;

  for (; library->Name; ++library)
    {
      FARPROC *import = (FARPROC *)(base + library->FirstThunk);

      for (; *import; ++import)
        if (*import == wanted)
          {
            DWORD old;

            CHECK (VirtualProtect (import, sizeof *import, PAGE_READWRITE, &old));
            *import = (FARPROC)fake;
            found = 1;
          }
    }

  CHECK (found);
}

/* -- the console handler of MOOD_SIGNALS_NATIVE ---------------------------------------------------------------------- */

static PHANDLER_ROUTINE console_handler;

static BOOL WINAPI
set_handler (PHANDLER_ROUTINE handler, BOOL add)
{
  CHECK (add && !console_handler); /* the library sets its handler once */
  console_handler = handler;
  return TRUE;
}

static DWORD WINAPI
call_handler (void *event)
{
  return (DWORD)console_handler ((DWORD)(intptr_t)event);
}

/* Calls the handler. Returns its result: 0 if no watcher watches the event, 1 if it is handled. Returns -1 if the handler does
 * not return, because the process is to end. */
static int
console (DWORD event)
{
  HANDLE thread = CreateThread (0, 0, call_handler, (void *)(intptr_t)event, 0, 0);
  DWORD result = 0;

  if (WaitForSingleObject (thread, 500) == WAIT_TIMEOUT)
    return -1; /* the thread sleeps until the process ends */

  GetExitCodeThread (thread, &result);
  CloseHandle (thread);
  return (int)result;
}

static void
console_events (void)
{
  static const struct
  {
    DWORD event;
    int signum, result;
  } events [] = {
    { CTRL_C_EVENT, 2, 1 }, { CTRL_BREAK_EVENT, 3, 1 }, { CTRL_CLOSE_EVENT, 1, -1 }, { CTRL_SHUTDOWN_EVENT, 15, -1 }
  };
  mood_loop *loop;
  int i;

  new_loop (0, &loop);

  for (i = 0; i < 4; ++i)
    {
      mood_signal_set (make (loop, MOOD_SIGNAL, 1), events [i].signum);
      CHECK (!mood_watcher_start (watches [1].w));
      CHECK (console (events [i].event) == events [i].result);
      until (loop, 1, 1);
      CHECK (console (CTRL_LOGOFF_EVENT) == 0);
      mood_watcher_stop (watches [1].w);
      CHECK (console (events [i].event) == 0); /* not handled, so the default action follows */
      mood_loop_run (loop, NOWAIT);
      CHECK (watches [1].seen == 1);
      mood_watcher_free (watches [1].w);
    }

  end (loop);
}

/* -- all of them --------------------------------------------------------------------------------------------------- */

static const struct
{
  const char *name;
  void (*run) (void);
} tests [] = { { "about", about },     { "numbers", numbers },   { "timers", timers },   { "io", io },
               { "closed", closed },   { "reuse", reuse },       { "many", many },       { "wakes", wakes_from_threads },
               { "resets", resets },   { "children", children }, { "signals", signals }, { "files", files },
               { "refused", refused }, { "handles", handles } };

int
main (int count, char **arguments)
{
  WSADATA data;
  int i;

  if (count == 3 && !strcmp (arguments [1], "exit"))
    ExitProcess ((UINT)atoi (arguments [2]));

  if (count == 2 && !strcmp (arguments [1], "wait"))
    {
      Sleep (60000);
      return 1;
    }

  setvbuf (stdout, 0, _IONBF, 0);
  CHECK (!WSAStartup (MAKEWORD (2, 2), &data));

  if (count > 1 && !strcmp (arguments [1], "console"))
    {
      replace ("SetConsoleCtrlHandler", (void *)set_handler);
      CHECK (!mood_initialize (MOOD_SIGNALS_NATIVE));
      console_events ();
      puts ("ok console");
      return 0;
    }

  CHECK (!mood_initialize (MOOD_SIGNALS_HOST));

  if (count > 1 && !strcmp (arguments [1], "fine"))
    {
      replace ("GetProcAddress", (void *)fake_address);
      count = 1;
    }

  for (i = 0; i < (int)(sizeof tests / sizeof *tests); ++i)
    if (count < 2 || !strcmp (arguments [1], tests [i].name))
      {
        double start = seconds ();

        tests [i].run ();
        printf ("ok %s (%.0f ms)\n", tests [i].name, (seconds () - start) * 1e3);
      }

  CHECK (associated == canceled);
  printf ("all passed, %ld waits by a fine timer\n", associated);
  return 0;
}
