/* What the files of child watchers share: child.c, known.c, pidfd.c, processes.c and reaping.c. */
#ifndef MOOD_CHILD_H
#define MOOD_CHILD_H

#include "libev.h"

#include <signal.h>
#include <sys/types.h>

typedef mood_child child;
typedef struct known known;

/* the states are explained in child.c */
enum { ALIVE, CHANGED, ENDED, REAPED, GONE };

/* How a child has ended: the results of mood_pidfd_end. */
/* clang-format off */
enum
{
  END_NONE,    /* it lives, or a debugger delays the notice of its end */
  END_ZOMBIE,  /* it has ended, and can be reaped */
  END_GONE,    /* another part of the process has reaped it, or it is not a child of this process; status: -1 if it is unknown */
  END_REAPING, /* another thread is reaping it now */
};
/* clang-format on */

/* An entry of the table of watched children. The default loop's thread alone uses it. */
struct known
{
  ev_io io; /* internal; on the pidfd */
  known *next;
  pid_t pid;
  int fd; /* the pidfd, or -1 */
  int state;
  int status;
  int epoch;       /* the reaping epoch in which it was found ENDED */
  int ticks;       /* since it was found ENDED */
  int held;        /* it has ended, but a debugger delays the notice: the ticker in child.c asks again */
  double deadline; /* monotonic seconds: an end that is still unclear then counts as GONE; 0: no deadline yet */
};

/* How long an end may be unclear, and how long the host may take to answer: TICKS ticks of TICK seconds. */
#define TICK 0.005
#define TICKS 10

/* known.c: the table and its watchers, on the default loop's thread only */
extern known *mood_known;          /* the table */
extern mood_loop *mood_child_home; /* the default loop, or null */

int mood_child_visit (int (*visit) (child *, pid_t), pid_t pid);
int mood_child_watches (child *w, pid_t pid);
int mood_child_watches_any (child *w, pid_t pid);
int mood_child_traces (child *w, pid_t pid);
int mood_child_reaps (child *w, pid_t pid);
void mood_child_wake (void);

known *mood_known_find (pid_t pid);
known *mood_known_remember (pid_t pid);
int mood_known_release (known *k);
void mood_known_forget (known *k);
void mood_known_examine (known *k);
void mood_known_discover (pid_t pid);
void mood_known_renew (void);
void mood_known_clear (void);

/* pidfd.c */
int mood_pidfd_own (int fd);
int mood_pidfd_wait_status (const siginfo_t *info);
int mood_pidfd_look (int fd, pid_t pid, siginfo_t *info, int options);
int mood_pidfd_kill (int fd, pid_t pid, int signum, int shared);

/* processes.c */
void mood_processes_visit (void (*visit) (pid_t), int traced);
int mood_processes_visit_first (void (*visit) (pid_t), int traced);

/* reaping.c */
int mood_reaping_epoch (void);
int mood_reaping_passed (int epoch);
int mood_reaping_owes (pid_t pid);
void mood_reaping_lose (int fd);
void mood_reaping_ask (void);
void mood_reaping_owe (pid_t pid, int fd, int epoch);

#endif
