/* Pins threads to a core, for the C# side. */
#include "bench.h"

/* Pins the calling thread, and the threads that it makes later, to a core. A negative core restores the cores of the time before
 * the first call. */
BENCH_API int32_t
bench_core (int32_t core)
{
#if __linux__
  static cpu_set_t all;
  static int known;

  if (!known && sched_getaffinity (0, sizeof all, &all))
    return BENCH_UNAVAILABLE;

  known = 1;

  if (core < 0)
    return sched_setaffinity (0, sizeof all, &all);
#endif

  return bench_pin (core);
}
