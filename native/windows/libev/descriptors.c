/* Part of libev.c on Windows, before ev.c, as libev/system.h and libev/descriptors.c are elsewhere. */
#include <winsock2.h>
#include <windows.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/epoll.h>

/* -- epoll --------------------------------------------------------------------------------------------------------- */

static int refuse (int fd);

/* If the system refuses to watch an fd, that is an error of the loop or of the watcher, as in libev/descriptors.c. */
static int
watch_fd (int operation, int fd, struct epoll_event *event)
{
  int result = mood_watch_fails () ? -1 : mood_port_set (mood_current, operation, fd, event);

  return result && operation != EPOLL_CTL_DEL && errno != ENOENT && errno != EEXIST && errno != EPERM ? refuse (fd) : result;
}

/* `timeout` is the parameter of libev's epoll_poll: seconds, where epoll_wait would take milliseconds. */
#define epoll_create1(flags) mood_port_open (mood_current)
#define epoll_create(size) mood_port_open (mood_current)
#define epoll_ctl(port, operation, fd, event) watch_fd (operation, fd, event)
#define epoll_wait(port, events, count, milliseconds) \
 (mood_wait_fails () ? -1 : mood_port_wait (mood_current, events, count, timeout))

/* -- the loop's own wake ------------------------------------------------------------------------------------------- */

/* libev writes to an eventfd, from any thread. Here it posts a packet to the loop's port. libev's own pipe for Windows is a pair of
 * sockets, to which any local process could connect. libev writes only while the loop runs. By then `userdata`, its mood_loop, is set. */
#define eventfd(value, flags) MOOD_WAKE_FD
#define write(fd, data, size) mood_port_wake (userdata)
#define read(fd, data, size) ((void)0)
#define dup2(from, to) ((void)0)
#define close(fd) ((fd) == MOOD_PORT_FD ? mood_port_close (mood_current) : (void)0)
#define fcntl(fd, command, value) ((void)0)
#define ioctlsocket(socket, command, argument) ((void)0)
#define O_NONBLOCK 0
#define O_CLOEXEC 0
#define F_SETFD 0
#define FD_CLOEXEC 0

#define EV_FD_TO_WIN32_HANDLE(fd) ((SOCKET)(fd))
#define EV_WIN32_HANDLE_TO_FD(handle) ((int)(handle))
#define EV_WIN32_CLOSE_FD(fd) close (fd)

int
mood_ev_reserve (mood_loop *l)
{
  return mood_port_reserve (l);
}

int
mood_ev_reserve_ring (mood_loop *l)
{
  (void)l;
  return 0;
}

void
mood_ev_drop_reserve (mood_loop *l)
{
  mood_port_drop (l);
}

/* -- signals, children, time --------------------------------------------------------------------------------------- */

#define signal(signum, handler) mood_hook_disposition (signum, (handler) != SIG_DFL)

int mood_hook_waitpid (int *status, int options);
#define waitpid(pid, status, options) mood_hook_waitpid (status, options)
#define WNOHANG 0
#define WUNTRACED 0
#define WIFSTOPPED(status) 0
#define WIFCONTINUED(status) 0

int mood_hook_clock_gettime (clockid_t id, struct timespec *ts);
#define clock_gettime(id, ts) mood_hook_clock_gettime (id, ts)

/* libev for Windows reads the wall clock with this call, in units of 100 ns since 1601. */
static void
file_time (FILETIME *result)
{
  struct timespec ts;
  int64_t units;

  mood_hook_clock_gettime (CLOCK_REALTIME, &ts);
  units = ts.tv_sec * (int64_t)10000000 + ts.tv_nsec / 100 + 116444736000000000;
  result->dwHighDateTime = (DWORD)(units >> 32);
  result->dwLowDateTime = (DWORD)units;
}

#define GetSystemTimeAsFileTime(result) file_time (result)

#undef ev_io_start
