/* libev includes this file instead of the C library's <assert.h>, because native/libev comes first on the include path. libev checks its
 * callers with assert. In a managed process a failed check is an error to report, not a reason to abort (see error.c). The
 * condition is always evaluated, because two of libev's asserts have a side effect. */
#undef assert
#define assert(condition) ((condition) ? (void)0 : mood_assert_failed (#condition))

void mood_assert_failed (const char *condition);
