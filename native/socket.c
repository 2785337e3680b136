/* recv and send of sockets, without waiting. The errors have the numbers of System.Net.Sockets.SocketError, which are those of
 * Winsock on every system, so that the host need not know the errno of each system. */
#include "libev.h"

#include <errno.h>
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
