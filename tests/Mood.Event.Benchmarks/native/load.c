/* The load for an echo server: load PORT PID CONNECTIONS BYTES WARMUP-SECONDS SECONDS
 *
 * Every connection has one message in flight. It sends the message, waits until all of it has come back, compares it, and sends
 * the next one.
 * It prints one line with six numbers: the round trips per second; their median, 99th percentile and maximum in microseconds;
 * the processor time of the server (the process PID) per round trip in microseconds; and the number of lost messages, which had
 * not come back ten seconds after the end. A wrong byte or a broken connection is a failure. Status 3: there are not enough
 * file descriptors. At the end the program shuts its side of every connection down, and waits until the server has closed them all,
 * so that the next round finds the server idle. */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

typedef struct
{
  int fd;
  uint32_t place; /* the offset of the current message in the pattern, which changes with each message */
  uint32_t received;
  int waiting;
  uint64_t since;
} connection;

enum { MAX_BYTES = 64 * 1024, PLACES = 251, EVENTS = 256 };

static connection *connections;
static uint32_t bytes;
static int epoll, waiting, open_count;
static char pattern [MAX_BYTES + PLACES], buffer [MAX_BYTES];

static void
fail (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  fprintf (stderr, "load: ");
  vfprintf (stderr, format, arguments);
  fprintf (stderr, "\n");
  va_end (arguments);
  exit (1);
}

static clockid_t server;

static uint64_t
read_clock (clockid_t id)
{
  struct timespec ts;

  if (clock_gettime (id, &ts))
    fail ("the server has ended");

  return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static uint64_t
now (void)
{
  return read_clock (CLOCK_MONOTONIC);
}

/* -- the times, in steps of at most 1.6 % -------------------------------------------------------------------------- */

enum { STEPS = 64, BINS = STEPS * 40 };

static uint64_t bins [BINS], count, maximum;

static void
record (uint64_t nanoseconds)
{
  /* a time of STEPS ns or more is shifted into the range STEPS to 2 * STEPS - 1 */
  int shift = nanoseconds < STEPS ? 0 : 57 - __builtin_clzll (nanoseconds);
  uint64_t bin = shift * STEPS + (nanoseconds >> shift);

  ++bins [bin < BINS ? bin : BINS - 1];
  ++count;

  if (nanoseconds > maximum)
    maximum = nanoseconds;
}

/* The middle of the step that contains this quantile of all times, in microseconds. */
static double
percentile (double part)
{
  uint64_t below = 0;
  int bin = 0;

  while (bin < BINS - 1 && (below += bins [bin]) < part * count)
    ++bin;

  return bin < STEPS ? bin / 1e3 : (bin % STEPS + STEPS + .5) * (1ull << (bin / STEPS - 1)) / 1e3;
}

/* -- connections --------------------------------------------------------------------------------------------------- */

/* The server has the same limit as this process, because one process has started both. */
static int
enough_descriptors (int number)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit))
    return 0;

  limit.rlim_cur = limit.rlim_max;
  return !setrlimit (RLIMIT_NOFILE, &limit) && limit.rlim_cur >= (rlim_t)number + 200;
}

static void
open_all (int port, int number)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK), .sin_port = htons (port) };
  int i, one = 1;

  epoll = epoll_create1 (EPOLL_CLOEXEC);

  for (i = 0; i < number; ++i)
    {
      connection *c = connections + i;
      struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

      /* A connect may block, so this loop is never faster than the server accepts. */
      c->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      c->place = i % PLACES;

      if (c->fd < 0 || connect (c->fd, (struct sockaddr *)&address, sizeof address)
          || setsockopt (c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) || epoll_ctl (epoll, EPOLL_CTL_ADD, c->fd, &event))
        fail ("connection %d: %s", i, strerror (errno));

      ++open_count;
    }
}

static void
start (connection *c, uint64_t time)
{
  c->since = time;
  c->received = 0;
  c->place = (c->place + 1) % PLACES;
  c->waiting = 1;
  ++waiting;

  /* The send is never short, because the socket's buffer is empty. */
  if (send (c->fd, pattern + c->place, bytes, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)bytes)
    fail ("a message could not be sent: %s", strerror (errno));
}

/* Handles received bytes. Returns whether the message is complete. */
static int
receive (connection *c)
{
  ssize_t size = recv (c->fd, buffer, sizeof buffer, MSG_DONTWAIT);

  if (size < 0 && errno == EAGAIN)
    return 0;

  if (size <= 0)
    fail ("a connection ended early: %s", size ? strerror (errno) : "closed");

  if (!c->waiting || c->received + size > bytes)
    fail ("more came back than was sent");

  if (memcmp (buffer, pattern + c->place + c->received, size))
    fail ("other bytes came back than were sent");

  c->received += size;

  if (c->received < bytes)
    return 0;

  c->waiting = 0;
  --waiting;
  return 1;
}

/* -- the phases ---------------------------------------------------------------------------------------------------- */

/* Receives messages until the given time, or until no message is in flight. `sends`: whether it sends further messages. `counts`:
 * whether it counts the round trips. */
static void
run_until (uint64_t end, int sends, int counts)
{
  struct epoll_event events [EVENTS];
  uint64_t time = now ();

  while (time < end && waiting)
    {
      int i, ready = epoll_wait (epoll, events, EVENTS, (end - time) / 1000000 + 1);

      for (i = 0; i < ready; ++i)
        {
          connection *c = events [i].data.ptr;

          if (!receive (c))
            continue;

          time = now ();

          if (counts)
            record (time - c->since);

          if (sends)
            start (c, time);
        }

      time = now ();
    }
}

static void
close_all (int number, uint64_t end)
{
  struct epoll_event events [EVENTS];
  int i;

  for (i = 0; i < number; ++i)
    shutdown (connections [i].fd, SHUT_WR);

  /* Because no message is in flight, a connection that is readable now was closed by the server. */
  while (open_count && now () < end)
    {
      int ready = epoll_wait (epoll, events, EVENTS, 100);

      for (i = 0; i < ready; ++i)
        {
          close (((connection *)events [i].data.ptr)->fd);
          --open_count;
        }
    }

  if (open_count)
    fail ("the server has not closed %d connections", open_count);
}

int
main (int argc, char **argv)
{
  int number, i;
  uint64_t begin, used;
  double seconds;

  if (argc != 7 || (number = atoi (argv [3])) < 1 || (bytes = atoi (argv [4])) < 1 || bytes > MAX_BYTES)
    {
      fprintf (stderr, "usage: load PORT PID CONNECTIONS BYTES WARMUP-SECONDS SECONDS\n");
      return 2;
    }

  for (i = 0; i < (int)sizeof pattern; ++i)
    pattern [i] = i % PLACES;

  if (!(connections = calloc (number, sizeof *connections)))
    fail ("no memory");

  if (!enough_descriptors (number))
    return 3;

  if (clock_getcpuclockid (atoi (argv [2]), &server))
    fail ("there is no process %s", argv [2]);

  open_all (atoi (argv [1]), number);
  begin = now ();

  for (i = 0; i < number; ++i)
    start (connections + i, begin);

  run_until (begin + atof (argv [5]) * 1e9, 1, 0);
  used = read_clock (server);
  begin = now ();

  /* On a busy machine it is possible that no message has come back in this time. Then the program counts for one more second. */
  for (seconds = atof (argv [6]); !count && seconds < 30; seconds += 1)
    run_until (begin + seconds * 1e9, 1, 1);

  seconds = (now () - begin) / 1e9;
  used = read_clock (server) - used;
  run_until (now () + 10000000000ull, 0, 0);

  if (!count)
    fail ("no message came back");

  printf ("%.1f %.3f %.3f %.3f %.3f %d\n", count / seconds, percentile (.5), percentile (.99), maximum / 1e3, used / 1e3 / count,
          waiting);

  if (!waiting)
    close_all (number, now () + 10000000000ull);

  return 0;
}
