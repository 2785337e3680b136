/* libev itself. */
#include "libev.h"
#include "ev.c"
