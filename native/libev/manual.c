/* The host's manual clock (mood_loop_manual): part of libev.c, for it needs libev's statics.
 *
 * libev takes the time from a timespec, whose nanoseconds are coarser than its doubles, twice in an iteration; and what is
 * due at a time it calls only after it. Here a callback sees the very time it was due at. So manual_poll takes the place of
 * the backend's poll in each iteration, and when that has returned, it makes pending what is due, with times to the last
 * bit; mood_ev_adopt says them again when callbacks are about to run. What libev sees of the clock in between is a little less,
 * at which nothing more is due. */

#define FOR_EVER MAX_BLOCKTIME

static double
magnitude (double t)
{
  return t < 0. ? -t : t;
}

static double
just_after (double t)
{
  union { double value; int64_t bits; } next = { t };

  if (t == 0.)
    next.bits = 1;
  else
    next.bits += t > 0. ? 1 : -1;

  return next.value;
}

/* the nearest multiple of 100 ns, the unit of the host's TimeSpan */
static double
rounded (double t)
{
  return magnitude (t) < 1e11 ? (double)(int64_t)(t * 1e7 + (t < 0. ? -.5 : .5)) / 1e7 : t;
}

/* Three times 0.1 is meant to be 0.3 and not 0.30000000000000004: within a few rounding errors of such a multiple a time is
 * that. A timer that repeats is set right at each call in this way, and does not drift. */
static double
meant (double t)
{
  return magnitude (rounded (t) - t) <= magnitude (t) * 4e-15 ? rounded (t) : t;
}

void
mood_ev_adopt (struct ev_loop *loop)
{
  mood_loop *l = (mood_loop *)loop->userdata;

  loop->mn_now = loop->now_floor = l->monotonic;
  ev_rt_now = l->realtime;
  loop->rtmn_diff = l->origin - 1.;
}

void
mood_ev_look (struct ev_loop *loop)
{
  mood_loop *l = (mood_loop *)loop->userdata;
  double times [MOOD_TIMES] = { l->monotonic, l->origin };

  l->host.clock (l->data, times);

  if (times [1] != l->origin)
    l->stepped = 1;

  l->monotonic = times [0];
  l->origin = times [1];
  l->realtime = l->origin + l->monotonic;
  mood_ev_adopt (loop);
}

void
mood_ev_resume (struct ev_loop *loop)
{
  double before = loop->mn_now;

  mood_ev_look (loop);
  timers_reschedule (loop, loop->mn_now - before);
  periodics_reschedule (loop);
}

/* When a time of the wall clock comes, on the monotonic one: a round number, if one shows that very time. */
static double
monotonic_of (mood_loop *l, double at)
{
  double t = at - l->origin;

  if (l->origin + rounded (t) == at)
    return rounded (t);

  while (l->origin + t < at)
    t += just_after (at) - at;

  return t;
}

double
mood_ev_due (struct ev_loop *loop)
{
  mood_loop *l = (mood_loop *)loop->userdata;
  double due = INFINITY;

  if (loop->timercnt)
    due = meant (ANHE_at (loop->timers [HEAP0]));

  if (loop->periodiccnt && monotonic_of (l, ANHE_at (loop->periodics [HEAP0])) < due)
    due = monotonic_of (l, ANHE_at (loop->periodics [HEAP0]));

  return due;
}

int
mood_ev_busy (struct ev_loop *loop)
{
  mood_loop *l = (mood_loop *)loop->userdata;

  return l->found || l->stepped || mood_ev_any_pending (loop)
         || loop->async_pending || loop->sig_pending || loop->pipe_write_skipped;
}

/* what keeps the loop alive without being able to wake it by itself, of an array of watchers or of a heap's */
#define HOLDS(w) ((w)->owner && (w)->plain)

/* Whether anything but time could end the wait: io, signals, other threads that something active waits for. */
static int
has_sources (struct ev_loop *loop)
{
  int i, count = loop->activecnt;

  for (i = 0; i < loop->timercnt; ++i)
    count -= HOLDS (ANHE_w (loop->timers [HEAP0 + i]));

  for (i = 0; i < loop->periodiccnt; ++i)
    count -= HOLDS (ANHE_w (loop->periodics [HEAP0 + i]));

  for (i = 0; i < loop->preparecnt; ++i)
    count -= HOLDS (loop->prepares [i]);

  for (i = 0; i < loop->checkcnt; ++i)
    count -= HOLDS (loop->checks [i]);

  for (i = 0; i < loop->forkcnt; ++i)
    count -= HOLDS (loop->forks [i]);

  return count > 0;
}

/* timers_reify; one that is late, and so due again already, comes in the next iteration */
static void
manual_timers (struct ev_loop *loop)
{
  int i, late = 0, any = 0;

  while (loop->timercnt && meant (ANHE_at (loop->timers [HEAP0])) <= loop->mn_now)
    {
      ev_timer *w = (ev_timer *)ANHE_w (loop->timers [HEAP0]);

      if (w->repeat)
        {
          ev_at (w) = meant (ev_at (w)) + w->repeat;

          if (meant (ev_at (w)) <= loop->mn_now)
            {
              ev_at (w) = INFINITY;
              late = 1;
            }

          ANHE_at_cache (loop->timers [HEAP0]);
          downheap (loop->timers, loop->timercnt, HEAP0);
        }
      else
        ev_timer_stop (loop, w);

      feed_reverse (loop, (W)w);
      any = 1;
    }

  if (late)
    {
      for (i = HEAP0; i < loop->timercnt + HEAP0; ++i)
        if (ANHE_at (loop->timers [i]) == INFINITY)
          {
            ev_at (ANHE_w (loop->timers [i])) = loop->mn_now;
            ANHE_at_cache (loop->timers [i]);
          }

      reheap (loop->timers, loop->timercnt);
    }

  if (any)
    feed_reverse_done (loop, EV_TIMER);
}

/* A scheduler that computes the next full minute by rounding up would be due at this one for ever: libev asks it only after
 * the time has passed. So do we, if need be. */
static double
next_time (struct ev_loop *loop, ev_periodic *w)
{
  double at = w->reschedule_cb (w, ev_rt_now);

  return at > ev_rt_now ? at : w->reschedule_cb (w, just_after (ev_rt_now));
}

/* periodics_reify */
static void
manual_periodics (struct ev_loop *loop)
{
  int any = 0;

  while (loop->periodiccnt && ANHE_at (loop->periodics [HEAP0]) <= ev_rt_now)
    {
      ev_periodic *w = (ev_periodic *)ANHE_w (loop->periodics [HEAP0]);

      if (w->reschedule_cb || w->interval)
        {
          if (w->reschedule_cb)
            ev_at (w) = next_time (loop, w);
          else
            periodic_recalc (loop, w);

          if (ev_at (w) <= ev_rt_now)
            ev_at (w) = just_after (ev_rt_now);

          ANHE_at_cache (loop->periodics [HEAP0]);
          downheap (loop->periodics, loop->periodiccnt, HEAP0);
        }
      else
        ev_periodic_stop (loop, w);

      feed_reverse (loop, (W)w);
      any = 1;
    }

  if (any)
    feed_reverse_done (loop, EV_PERIODIC);
}

static void
manual_poll (struct ev_loop *loop, ev_tstamp timeout)
{
  mood_loop *l = (mood_loop *)loop->userdata;

  l->stalled = 0;

  /* how long libev would wait for time is of no interest, only that it may wait */
  if (timeout > 0.)
    {
      mood_ev_look (loop);

      if (l->stepped || mood_ev_due (loop) <= l->monotonic)
        timeout = 0.;
      else if (has_sources (loop))
        timeout = FOR_EVER;
      else
        {
          timeout = 0.;
          l->stalled = 1;
        }
    }

  /* io_uring has the kernel tell it when a time has come: that is never */
  loop->mn_now = EV_TSTAMP_HUGE;
  l->wait (loop, timeout);

  /* linuxaio has given way to epoll */
  if (loop->backend_poll != manual_poll)
    {
      l->wait = loop->backend_poll;
      loop->backend_poll = manual_poll;
    }

  mood_ev_look (loop);

  if (l->stepped)
    {
      l->stepped = 0;
      periodics_reschedule (loop);
    }

  manual_timers (loop);
  manual_periodics (loop);

  l->found = mood_ev_any_pending (loop) || loop->pipe_write_skipped;

  if (l->found)
    l->stalled = 0;
}

void
mood_ev_manual (struct ev_loop *loop)
{
  mood_loop *l = (mood_loop *)loop->userdata;

#if EV_USE_TIMERFD
  loop->timerfd = -1; /* it tells of steps of the real clock, and would do so all the time where the manual one is in the past */
#endif

  l->wait = loop->backend_poll;
  loop->backend_poll = manual_poll;
  mood_ev_look (loop);
  l->stepped = 0;
}
