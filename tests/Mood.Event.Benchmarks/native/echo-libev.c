/* An echo server on libev. It prints its port, and ends at the end of standard input. */
#include "libev.h"
#include "echo.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <netinet/tcp.h>

typedef struct
{
  ev_io readable, writable;
  char *rest; /* the bytes that the socket has not accepted yet */
  size_t start, end;
} connection;

/* One buffer serves all connections. Its bytes are sent, or copied to `rest`, before the next connection reads. */
static char buffer [ECHO_BUFFER];

static void
end (EV_P_ connection *c)
{
  ev_io_stop (EV_A, &c->readable);
  ev_io_stop (EV_A, &c->writable);
  close (c->readable.fd);
  free (c->rest);
  free (c);
}

static void
readable (EV_P_ ev_io *w, int revents)
{
  connection *c = w->data;
  ssize_t count = recv (w->fd, buffer, sizeof buffer, 0), sent;

  (void)revents;

  if (count < 0 && errno == EAGAIN)
    return;

  if (count <= 0)
    {
      end (EV_A_ c);
      return;
    }

  sent = send (w->fd, buffer, count, MSG_NOSIGNAL);

  if (sent == count)
    return;

  if (sent < 0 && errno != EAGAIN)
    {
      end (EV_A_ c);
      return;
    }

  /* The rest must be sent before the next read. */
  c->start = 0;
  c->end = count - (sent < 0 ? 0 : sent);

  if (!c->rest && !(c->rest = malloc (ECHO_BUFFER)))
    echo_fail ("malloc");

  memcpy (c->rest, buffer + count - c->end, c->end);
  ev_io_stop (EV_A, &c->readable);
  ev_io_start (EV_A, &c->writable);
}

static void
writable (EV_P_ ev_io *w, int revents)
{
  connection *c = w->data;
  ssize_t sent = send (w->fd, c->rest + c->start, c->end - c->start, MSG_NOSIGNAL);

  (void)revents;

  if (sent < 0 && errno != EAGAIN)
    {
      end (EV_A_ c);
      return;
    }

  c->start += sent < 0 ? 0 : sent;

  if (c->start == c->end)
    {
      ev_io_stop (EV_A, &c->writable);
      ev_io_start (EV_A, &c->readable);
    }
}

static void
acceptable (EV_P_ ev_io *w, int revents)
{
  int fd, one = 1;

  (void)revents;

  while ((fd = accept4 (w->fd, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
    {
      connection *c = calloc (1, sizeof *c);

      if (!c)
        echo_fail ("calloc");

      setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      ev_io_init (&c->readable, readable, fd, EV_READ);
      ev_io_init (&c->writable, writable, fd, EV_WRITE);
      c->readable.data = c->writable.data = c;
      ev_io_start (EV_A, &c->readable);
    }

  if (errno != EAGAIN && errno != ECONNABORTED)
    echo_fail ("accept");
}

static void
ended (EV_P_ ev_io *w, int revents)
{
  char c;

  (void)revents;

  if (read (w->fd, &c, 1) <= 0)
    ev_break (EV_A_ EVBREAK_ALL);
}

int
main (void)
{
  struct ev_loop *loop = ev_default_loop (0);
  ev_io listener, input;

  ev_io_init (&listener, acceptable, echo_listen (), EV_READ);
  ev_io_start (EV_A, &listener);
  ev_io_init (&input, ended, STDIN_FILENO, EV_READ);
  ev_io_start (EV_A, &input);
  ev_run (EV_A_ 0);
  return 0;
}
