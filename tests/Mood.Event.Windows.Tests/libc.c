/* libc.dll has the functions of a POSIX C library that the tests use (tests/Shared/Posix.Descriptors.cs). They work on sockets, because on
 * Windows a loop can wait for sockets only: a pipe is a connection over loopback, and an fd is the handle of a socket. A call of any other
 * function throws an EntryPointNotFoundException, and skips.txt names the tests that need one. */
#include <winsock2.h>
#include <ws2tcpip.h>

#define EXPORT __declspec(dllexport)

static void
start (void)
{
  static volatile LONG started;
  WSADATA data;

  if (!InterlockedExchange (&started, 1))
    WSAStartup (MAKEWORD (2, 2), &data);
}

EXPORT int
pipe (int *fds)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  int size = sizeof address, one = 1;
  SOCKET listener, reader, writer;

  start ();
  listener = socket (AF_INET, SOCK_STREAM, 0);
  writer = socket (AF_INET, SOCK_STREAM, 0);

  if (bind (listener, (struct sockaddr *)&address, size) || listen (listener, 1)
      || getsockname (listener, (struct sockaddr *)&address, &size) || connect (writer, (struct sockaddr *)&address, size)
      || (reader = accept (listener, 0, 0)) == INVALID_SOCKET)
    return -1;

  closesocket (listener);
  setsockopt (writer, IPPROTO_TCP, TCP_NODELAY, (char *)&one, sizeof one);
  fds [0] = (int)reader;
  fds [1] = (int)writer;
  return 0;
}

EXPORT int
fcntl (int fd, int command, int argument)
{
  u_long nonblocking = !!(argument & 0x800);
  int type, size = sizeof type;

  start ();
  return command == 4 /* F_SETFL */ ? ioctlsocket ((SOCKET)fd, (long)FIONBIO, &nonblocking)
                                    : getsockopt ((SOCKET)fd, SOL_SOCKET, SO_TYPE, (char *)&type, &size);
}

EXPORT intptr_t
read (int fd, void *buffer, intptr_t size)
{
  return recv ((SOCKET)fd, buffer, (int)size, 0);
}

EXPORT intptr_t
write (int fd, const void *buffer, intptr_t size)
{
  return send ((SOCKET)fd, buffer, (int)size, 0);
}

EXPORT int
close (int fd)
{
  return closesocket ((SOCKET)fd);
}
