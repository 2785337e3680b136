/* An echo server on libuv. It prints its port, and ends at the end of standard input. */
#include <uv.h>

#include "echo.h"

#include <string.h>
#include <unistd.h>

typedef struct
{
  uv_write_t request;
  char data [];
} rest;

/* One buffer serves all connections. Its bytes are sent, or copied to `rest`, before the next connection reads. */
static char buffer [ECHO_BUFFER];

static void
freed (uv_handle_t *handle)
{
  free (handle);
}

static void
allocate (uv_handle_t *handle, size_t size, uv_buf_t *into)
{
  (void)handle, (void)size;
  *into = uv_buf_init (buffer, sizeof buffer);
}

static void
written (uv_write_t *request, int status)
{
  if (status < 0 && !uv_is_closing ((uv_handle_t *)request->handle))
    uv_close ((uv_handle_t *)request->handle, freed);

  free (request);
}

static void
received (uv_stream_t *stream, ssize_t count, const uv_buf_t *from)
{
  uv_buf_t out = uv_buf_init (from->base, count);
  ssize_t sent;

  if (!count)
    return;

  if (count < 0 || ((sent = uv_try_write (stream, &out, 1)) < 0 && sent != UV_EAGAIN))
    {
      uv_close ((uv_handle_t *)stream, freed);
      return;
    }

  if (sent < 0)
    sent = 0;

  /* libuv sends the bytes that the socket has not accepted yet. */
  if (sent < count)
    {
      rest *r = malloc (sizeof *r + count - sent);

      if (!r)
        echo_fail ("malloc");

      memcpy (r->data, from->base + sent, count - sent);
      out = uv_buf_init (r->data, count - sent);
      uv_write (&r->request, stream, &out, 1, written);
    }
}

static void
connected (uv_stream_t *listener, int status)
{
  uv_tcp_t *tcp = malloc (sizeof *tcp);

  if (status < 0 || !tcp)
    echo_fail ("listen");

  uv_tcp_init (listener->loop, tcp);

  if (uv_accept (listener, (uv_stream_t *)tcp))
    {
      uv_close ((uv_handle_t *)tcp, freed);
      return;
    }

  uv_tcp_nodelay (tcp, 1);
  uv_read_start ((uv_stream_t *)tcp, allocate, received);
}

static void
ended (uv_poll_t *handle, int status, int events)
{
  char c;

  (void)status, (void)events;

  if (read (STDIN_FILENO, &c, 1) <= 0)
    uv_stop (handle->loop);
}

int
main (void)
{
  uv_loop_t *loop = uv_default_loop ();
  uv_tcp_t listener;
  uv_poll_t input;

  uv_tcp_init (loop, &listener);
  uv_tcp_open (&listener, echo_listen ());
  uv_listen ((uv_stream_t *)&listener, SOMAXCONN, connected);
  uv_poll_init (loop, &input, STDIN_FILENO);
  uv_poll_start (&input, UV_READABLE, ended);
  uv_run (loop, UV_RUN_DEFAULT);
  return 0;
}
