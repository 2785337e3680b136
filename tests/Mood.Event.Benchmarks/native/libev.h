/* libev for the benchmarks, without our hooks, as a C program would use it. Its features and backends are those of native/libev.h. */
#ifndef MOOD_BENCH_LIBEV_H
#define MOOD_BENCH_LIBEV_H

#include "bench.h"

#define EV_STANDALONE 1
#define EV_MULTIPLICITY 1
#define EV_FEATURES 0x7f
#define EV_COMPAT3 0
#define EV_VERIFY 0
#define EV_USE_NANOSLEEP 1
#define EV_USE_MONOTONIC 1
#define EV_USE_REALTIME 1
#define EV_USE_SELECT 1
#define EV_USE_POLL 1

#if __linux__
# define EV_USE_EPOLL 1
# define EV_USE_LINUXAIO 1
# define EV_USE_IOURING 1
# define EV_USE_INOTIFY 1
# define EV_USE_EVENTFD 1
# define EV_USE_TIMERFD 1
# define EV_USE_SIGNALFD 1
#elif __APPLE__
# define EV_USE_KQUEUE 1
#endif

#include "ev.h"

#endif
