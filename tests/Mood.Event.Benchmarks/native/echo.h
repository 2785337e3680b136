/* The functions that the echo servers in C share. */
#ifndef MOOD_BENCH_ECHO_H
#define MOOD_BENCH_ECHO_H

#include <stdio.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { ECHO_BUFFER = 16 * 1024 };

static inline void
echo_fail (const char *what)
{
  perror (what);
  exit (1);
}

/* Makes a listening socket on the loopback address, and prints its port for the process that started this server. */
static inline int
echo_listen (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  if (fd < 0 || bind (fd, (struct sockaddr *)&address, length) || listen (fd, SOMAXCONN)
      || getsockname (fd, (struct sockaddr *)&address, &length))
    echo_fail ("listen");

  printf ("%d\n", ntohs (address.sin_port));
  fflush (stdout);
  return fd;
}

#endif
