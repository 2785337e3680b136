/* Part of libev.c: the host's manual clock (mood_loop_manual).
 *
 * libev reads the time twice in an iteration, from a timespec that is coarser than a double, and calls a watcher only after its
 * due time. On this clock a callback sees exactly its due time. So manual_poll replaces the backend's poll: it calls that poll,
 * and then makes the due watchers pending, with exact times. mood_ev_adopt sets the exact times again before callbacks run.
 * In between libev reads a slightly earlier time, at which nothing more is due.
 */

#define FOR_EVER MAX_BLOCKTIME

static double
magnitude (double t)
{
  return t < 0. ? -t : t;
}

static double
just_after (double t)
{
  union
  {
    double value;
    int64_t bits;
  } next = { t };

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

/* Three times 0.1 should be 0.3 and not 0.30000000000000004. So a time within a few rounding errors of a multiple of 100 ns
 * becomes that multiple. A repeating timer is corrected at each call, and does not drift. */
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

/* The monotonic time at which the wall clock reaches `at`. If a multiple of 100 ns gives exactly `at`, the result is that multiple. */
static double
monotonic_of (mood_loop *l, double at)
{
  double t = at - l->origin, step;

  if (l->origin + rounded (t) == at)
    return rounded (t);

  /* After a rounding error the sum may be less than `at`. So t is increased until the sum reaches `at`. The step is the larger of the
   * distances from `at` and from t to the next double, because a smaller step would not change the sum or t. */
  step = just_after (at) - at;

  if (step < just_after (t) - t)
    step = just_after (t) - t;

  while (l->origin + t < at)
    t += step;

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

  return l->found || l->stepped || mood_ev_has_new (loop) || loop->async_pending || loop->sig_pending || loop->pipe_write_skipped;
}

/* Whether this active watcher keeps the loop alive. */
#define HOLDS(w) ((w)->owner && (w)->plain)

/* Whether an active watcher waits for something other than time: io, a signal, another thread. */
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

/* Replaces timers_reify. A timer may be so late that its next time has passed too. Then it is called again in the next iteration. */
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

/* libev asks a scheduler for its next time after its due time has passed. Here the scheduler is asked exactly at its due time. If it rounds
 * up, for example to a full minute, it returns the same time again. In this case it is asked once more, with a time that is 200 ns later, or
 * one step of a double. A function of the host that computes in steps of 100 ns must see that this time is later. */
static double
next_time (struct ev_loop *loop, ev_periodic *w)
{
  double at = w->reschedule_cb (w, ev_rt_now), later = ev_rt_now + 2e-7;

  if (at > ev_rt_now)
    return at;

  return w->reschedule_cb (w, later > ev_rt_now ? later : just_after (ev_rt_now));
}

/* Sets the next time of a periodic with an interval, with libev's own computation. Because of rounding errors, the result may be the time
 * that was just due, or slightly later. Then the interval is added. */
static void
next_multiple (struct ev_loop *loop, ev_periodic *w)
{
  mood_loop *l = (mood_loop *)loop->userdata;
  double due = ev_at (w),
         error = 1e-15 * (magnitude (l->origin) + magnitude (l->monotonic) + magnitude (w->offset) + w->interval);

  periodic_recalc (loop, w);

  if (magnitude (ev_at (w) - due) <= error)
    ev_at (w) += w->interval;
}

/* Replaces periodics_reify. */
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
            next_multiple (loop, w);

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

static void manual_poll (struct ev_loop *loop, ev_tstamp timeout);

/* libev may replace two backends by epoll, and then sets `backend_poll` too: linuxaio while it polls, io_uring also while libev
 * changes its fds before the poll. */
void
mood_ev_take_poll (struct ev_loop *loop)
{
  if (loop->backend_poll != manual_poll)
    {
      ((mood_loop *)loop->userdata)->wait = loop->backend_poll;
      loop->backend_poll = manual_poll;
    }
}

static void
manual_poll (struct ev_loop *loop, ev_tstamp timeout)
{
  mood_loop *l = (mood_loop *)loop->userdata;

  l->stalled = 0;

  /* Only the sign of libev's timeout is used, which tells whether the poll may wait. On a manual clock a poll never waits for time. */
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

  /* io_uring sets its timerfd to the absolute time mn_now + timeout. The timerfd must not expire, so mn_now is set to a time that is
   * later than any other. */
  loop->mn_now = EV_TSTAMP_HUGE;
  l->wait (loop, timeout);

  mood_ev_take_poll (loop);
  mood_ev_look (loop);

  if (l->stepped)
    {
      l->stepped = 0;
      periodics_reschedule (loop);
    }

  manual_timers (loop);
  manual_periodics (loop);

  l->found = mood_ev_has_new (loop) || loop->pipe_write_skipped;

  if (l->found)
    l->stalled = 0;
}

void
mood_ev_manual (struct ev_loop *loop)
{
  mood_loop *l = (mood_loop *)loop->userdata;

  l->steps = 0;
#if EV_USE_TIMERFD
  loop->timerfd = -1; /* A timerfd reports steps of the real clock, without end if the manual clock is in the past. */
#endif

  mood_ev_take_poll (loop);
  mood_ev_look (loop);
  l->stepped = 0;
}
