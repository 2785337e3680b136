/* Found before the C library's <assert.h> because native/hooks comes first on the include path. libev checks its callers
 * with assert; in a managed process a failed check is an error to report, not a reason to abort (see error.c). The
 * condition is always evaluated: two of libev's asserts are there for their side effect. */
#undef assert
#define assert(condition) ((condition) ? (void)0 : mood_assert_failed (#condition))

void mood_assert_failed (const char *condition);
