/* The only translation unit that includes ev.c. libev stays unmodified. libev.h configures it; the macros below, which stand
 * before the include, replace some of its system calls. The files in libev/ are parts of this unit, as ev_epoll.c is a part
 * of ev.c, because they use libev's static variables and functions. */
#include "libev.h"

#if _WIN32
# include "windows/libev/descriptors.c"
#else
# include "libev/system.h"
# include "libev/descriptors.c"
#endif

#include "ev.c"

#if _WIN32
# include "windows/libev/accessors.c"
#endif

#include "libev/accessors.c"
#include "libev/pending.c"
#include "libev/iouring.c"
#include "libev/ring.c"
#include "libev/lost.c"
#include "libev/reset.c"
#include "libev/manual.c"
