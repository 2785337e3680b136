#include "libev.h"

void
mood_io_set (mood_watcher *w, int32_t fd, int32_t events)
{
  ev_io_set ((ev_io *)w, fd, events);
}
