/* pin CORE PROGRAM ARGUMENTS...: executes PROGRAM with all its threads on one core. A runtime that asks for the number of cores
 * gets 1. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
main (int argc, char **argv)
{
  cpu_set_t cores;

  if (argc < 3)
    {
      fprintf (stderr, "usage: pin CORE PROGRAM ARGUMENTS...\n");
      return 2;
    }

  CPU_ZERO (&cores);
  CPU_SET (atoi (argv [1]), &cores);

  if (sched_setaffinity (0, sizeof cores, &cores))
    {
      perror ("pin: sched_setaffinity");
      return 1;
    }

  execvp (argv [2], argv + 2);
  perror (argv [2]);
  return 1;
}
