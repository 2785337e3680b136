/* The library: its version, its one-time initialization, and what this system offers. */
#include "libev.h"

#include <errno.h>

/* MOOD_SIGNALS_HOST or MOOD_SIGNALS_NATIVE. mood_initialize writes it once, before any loop is made. */
int mood_signals;

int32_t
mood_abi_version (void)
{
  return MOOD_ABI_VERSION;
}

/* The version of the managed library that this one was built with. A process may load two managed libraries, and both may
 * find this file: each compares the version with its own. */
const char *
mood_version (void)
{
  return MOOD_VERSION;
}

/* Two copies of the managed library may call this at the same time: neither returns before the library is ready. */
int32_t
mood_initialize (int32_t signals)
{
  static int lock, used = -1;
  int error;

  mood_lock (&lock);

  if (used < 0)
    {
      mood_signals = signals;
      mood_error_install ();
      mood_clock_initialize ();
      used = signals;
    }

  error = used == signals ? 0 : -EBUSY;
  mood_unlock (&lock);
  return error;
}

int32_t
mood_libev_version (void)
{
  return ev_version_major () << 16 | ev_version_minor ();
}

uint32_t
mood_supported_backends (void)
{
  return ev_supported_backends ();
}

uint32_t
mood_recommended_backends (void)
{
  return ev_recommended_backends ();
}

/* libev's answer also contains backends of other systems, and io_uring. They are removed: a loop on io_uring has no fd that another loop
 * could watch. */
uint32_t
mood_embeddable_backends (void)
{
  return ev_embeddable_backends () & ev_supported_backends () & ~(unsigned)EVBACKEND_IOURING;
}
