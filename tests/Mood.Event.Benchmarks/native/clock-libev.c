/* The clocks and the memory counter that both the C side and the C# side use. */
#include "bench.h"

#include <malloc.h>

BENCH_API double
bench_time (void)
{
  return bench_now ();
}

BENCH_API double
bench_thread_time (void)
{
  return bench_busy ();
}

BENCH_API double
bench_process_time (void)
{
  return bench_clock (CLOCK_PROCESS_CPUTIME_ID);
}

BENCH_API int64_t
bench_malloced (void)
{
#if __GLIBC__ > 2 || __GLIBC__ == 2 && __GLIBC_MINOR__ >= 33
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
#else
  return -1;
#endif
}
