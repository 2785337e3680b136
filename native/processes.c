/* Lists the children of this process, for the watchers of pid 0. */
#include "child.h"

#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#if __APPLE__
# include <libproc.h>
#else
# include <dirent.h>
# include <stdio.h>
# include <stdlib.h>
#endif

#if __APPLE__

static int
processes_known (void)
{
  return 1;
}

static void
visit_all (void (*visit) (pid_t))
{
  enum { ROOM = 4096 };
  pid_t pids [ROOM];
  int i, n = proc_listchildpids (getpid (), pids, sizeof pids);

  for (i = 0; i < n; ++i)
    visit (pids [i]);
}

#else

/* Whether /proc exists and belongs to this pid namespace. After `unshare --pid --fork`, /proc is still that of the outer namespace, where the
 * same numbers name other processes. */
static int
processes_known (void)
{
  char self [32];
  ssize_t length = readlink ("/proc/self", self, sizeof self - 1);

  self [length > 0 ? length : 0] = 0;
  return length > 0 && atoi (self) == getpid ();
}

/* The parent that /proc/PID/stat names; 0: the process has ended, or its status cannot be read. The field is
 * searched after the last parenthesis, because a command's name may contain any characters. */
static pid_t
parent_of (const char *pid)
{
  char path [64], text [512], *end;
  FILE *file;
  size_t size;
  int parent = 0;

  snprintf (path, sizeof path, "/proc/%s/stat", pid);

  if (!(file = fopen (path, "re")))
    return 0;

  size = fread (text, 1, sizeof text - 1, file);
  fclose (file);
  text [size] = 0;

  if ((end = strrchr (text, ')')) && sscanf (end, ") %*c %d", &parent) != 1)
    parent = 0;

  return parent;
}

static void
visit_all (void (*visit) (pid_t))
{
  DIR *proc = opendir ("/proc");
  struct dirent *entry;
  pid_t self = getpid ();

  if (!proc)
    return;

  while ((entry = readdir (proc)))
    if (entry->d_name [0] >= '1' && entry->d_name [0] <= '9' && parent_of (entry->d_name) == self)
      visit (atoi (entry->d_name));

  closedir (proc);
}

#endif

/* Visits the first child that the kernel names for these options. Returns whether it was unknown: no list has named it. */
static int
visit_first (void (*visit) (pid_t), int options)
{
  siginfo_t info;
  int unknown;

  memset (&info, 0, sizeof info);

  if (waitid (P_ALL, 0, &info, options | WNOWAIT | WNOHANG) || !info.si_pid)
    return 0;

  unknown = !mood_known_find (info.si_pid) && !mood_reaping_owes (info.si_pid);
  visit (info.si_pid);
  return unknown;
}

/* Visits the first child that has ended and, with traced, the first that has stopped or continued. Returns whether one of them was
 * unknown. */
int
mood_processes_visit_first (void (*visit) (pid_t), int traced)
{
  int unknown = visit_first (visit, WEXITED);

  return traced ? unknown | visit_first (visit, WSTOPPED | WCONTINUED) : unknown;
}

/* Calls visit for the children of this process.
 *
 * A list of processes need not be complete, or there is none. There may be no /proc, or no file descriptor to read it. With the mount
 * option hidepid, or a security module, /proc hides the children that run as another user. So the kernel is asked too. It names one child at
 * a time. The next one shows after this one was reaped: then mood_processes_visit_first must be called. */
void
mood_processes_visit (void (*visit) (pid_t), int traced)
{
  if (processes_known ())
    visit_all (visit);

  mood_processes_visit_first (visit, traced);
}
