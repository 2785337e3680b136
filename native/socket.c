/* recv and send of sockets, without waiting, and their error queues. Errors are returned as numbers of System.Net.Sockets.SocketError. On
 * every system these are the numbers of Winsock, so the host need not know the errno numbers of each system. */
#include "libev.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifndef MSG_NOSIGNAL
# define MSG_NOSIGNAL 0
#endif

static int32_t
socket_error (int error)
{
  if (error == EAGAIN || error == EWOULDBLOCK)
    return -10035;

  switch (error)
    {
      case EACCES:
      case EPERM: return -10013;
      case EFAULT: return -10014;
      case EINVAL: return -10022;
      case EMSGSIZE: return -10040;
      case EDESTADDRREQ: return -10039;
      case ENOTSOCK:
      case EBADF: return -10038;
      case EOPNOTSUPP: return -10045;
      case ENETDOWN: return -10050;
      case ENETUNREACH: return -10051;
      case ENETRESET: return -10052;
      case ECONNABORTED: return -10053;
      case ECONNRESET: return -10054;
      case ENOBUFS:
      case ENOMEM: return -10055;
      case ENOTCONN: return -10057;
      case EPIPE: return -10058;
      case ETIMEDOUT: return -10060;
      case ECONNREFUSED: return -10061;
      case EHOSTDOWN: return -10064;
      case EHOSTUNREACH: return -10065;
      default: return MOOD_SOCKET_ERROR;
    }
}

/* With an empty buffer, the caller asks whether there is something to receive. recv of zero bytes would not tell, so this peeks. */
int32_t
mood_socket_receive (int32_t fd, char *buffer, int32_t size)
{
  char byte;
  ssize_t count;

  do
    count = size ? recv (fd, buffer, size, MSG_DONTWAIT) : recv (fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
  while (count < 0 && errno == EINTR);

  return count < 0 ? socket_error (errno) : size ? (int32_t)count : 0;
}

int32_t
mood_socket_send (int32_t fd, const char *buffer, int32_t size)
{
  ssize_t count;

  do
    count = send (fd, buffer, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (count < 0 && errno == EINTR);

  return count < 0 ? socket_error (errno) : (int32_t)count;
}

#if __linux__

static int
option (int fd, int name)
{
  int value = 0;
  socklen_t size = sizeof value;

  return getsockopt (fd, SOL_SOCKET, name, &value, &size) ? 0 : value;
}

/* With IP_RECVERR, a socket also queues each error of the network. While the queue holds a message, the socket is ready for every
 * event, and a wait for data would never wait. Taking a message makes the error of the next one the error of the socket, so
 * recv and send report it. A program that asked for other messages, time stamps or the ends of sends without a copy, reads the queue itself. */
int32_t
mood_socket_take_error (int32_t fd)
{
  struct pollfd state = { fd, 0, 0 };
  struct msghdr message;
  char control [512];

  if (poll (&state, 1, 0) <= 0 || !(state.revents & POLLERR))
    return 0;

# ifdef SO_ZEROCOPY
  if (option (fd, SO_ZEROCOPY))
    return -1;
# endif

  if (option (fd, SO_TIMESTAMPING))
    return -1;

  memset (&message, 0, sizeof message);
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  return recvmsg (fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0 ? 0 : 1;
}

#else

int32_t
mood_socket_take_error (int32_t fd)
{
  (void)fd;
  return 0; /* no error queues */
}

#endif
