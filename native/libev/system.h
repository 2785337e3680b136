/* Part of libev.c, before ev.c: the system's headers, and the hooks for those system calls of libev that need no loop. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#if __linux__
# include <sys/epoll.h>
# include <sys/eventfd.h>
# include <sys/inotify.h>
# include <sys/mman.h>
# include <sys/statfs.h>
# include <sys/timerfd.h>
#endif

/* The dispositions of signals and the signal masks belong to the runtime: signal.c answers these calls. */
int mood_hook_sigaction (int signum, const struct sigaction *action, struct sigaction *old);
void mood_hook_signal (int signum);
#define sigaction(signum, action, old) mood_hook_sigaction (signum, action, old)
#define signal(signum, handler) mood_hook_signal (signum)
#define sigprocmask(how, set, old) 0

/* waitpid(-1) would take children that System.Diagnostics.Process owns: child.c waits for watched pids only. */
pid_t mood_hook_waitpid (int *status, int options);
#define waitpid(pid, status, options) mood_hook_waitpid (status, options)

/* In the testing build a backend's wait can fail (mood_fail_wait). For io_uring and aio see hook_syscall in libev/reset.c. */
#define poll(fds, count, timeout) (mood_wait_fails () ? -1 : poll (fds, count, timeout))
#define select(count, reads, writes, errors, timeout) (mood_wait_fails () ? -1 : select (count, reads, writes, errors, timeout))
#define epoll_wait(fd, events, count, timeout) (mood_wait_fails () ? -1 : epoll_wait (fd, events, count, timeout))

/* A loop may have a manual clock: see clock.c. */
int mood_hook_clock_gettime (clockid_t id, struct timespec *ts);
#define clock_gettime(id, ts) mood_hook_clock_gettime (id, ts)
