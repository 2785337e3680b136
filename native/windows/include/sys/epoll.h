/* epoll for libev's ev_epoll.c on Windows. windows/epoll.c has the functions, over wepoll. They work for the loop that the thread is inside
 * (mood_current), so one number stands for every loop's port. Handles are multiples of 4, so the two numbers below are not handles. */
#ifndef MOOD_EPOLL_H
#define MOOD_EPOLL_H

#include <stdint.h>

#define MOOD_WAKE_FD 1
#define MOOD_PORT_FD 2

#ifndef MOOD_OVER_WEPOLL /* else wepoll.c has declared them */

# define EPOLLIN 1U
# define EPOLLOUT 4U
# define EPOLLERR 8U
# define EPOLLHUP 16U
# define EPOLL_CLOEXEC 0
# define EPOLL_CTL_ADD 1
# define EPOLL_CTL_MOD 2
# define EPOLL_CTL_DEL 3

/* as wepoll declares it */
struct epoll_event
{
  uint32_t events;
  union
  {
    void *ptr;
    int fd;
    uint32_t u32;
    uint64_t u64;
  } data;
};

#endif

struct mood_loop;

int mood_port_open (struct mood_loop *l);
void mood_port_close (struct mood_loop *l);
int mood_port_set (struct mood_loop *l, int operation, int fd, struct epoll_event *event);
int mood_port_wait (struct mood_loop *l, struct epoll_event *events, int count, double seconds);

#endif
