/* Timers. watcher.c starts and stops them, like all watchers. */
#include "libev.h"

void
mood_timer_set (mood_watcher *w, double after, double repeat)
{
  ev_timer_set ((ev_timer *)w, after, repeat);
}

void
mood_timer_set_repeat (mood_watcher *w, double repeat)
{
  ((ev_timer *)w)->repeat = repeat;
}

void
mood_timer_again (mood_watcher *w)
{
  mood_loop *outer = mood_enter (w->owner);
  int pending = w->pending;

  ev_timer_again (w->owner->ev, (ev_timer *)w);
  mood_watcher_settle (w);

  if (pending)
    mood_ev_drop_cleared (w->owner->ev);

  mood_leave (outer);
}

void
mood_timer_push (mood_watcher *w)
{
  ev_timer_again (w->owner->ev, (ev_timer *)w);
}

double
mood_timer_remaining (mood_watcher *w)
{
  return ev_timer_remaining (w->owner->ev, (ev_timer *)w);
}
