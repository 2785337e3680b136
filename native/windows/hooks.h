/* Part of libev.h on Windows, after ev.h. */

/* Our files call mood_io_start instead of ev_io_start. libev.c undefines the macro, and defines mood_io_start in windows/libev/accessors.c. */
void mood_io_start (struct ev_loop *ev, ev_io *w);
#define ev_io_start mood_io_start

/* epoll.c, for libev.c */
int mood_port_reserve (struct mood_loop *l);
void mood_port_drop (struct mood_loop *l);
void mood_port_wake (struct mood_loop *l);

/* signal.c, for libev.c */
void mood_hook_disposition (int signum, int watched);
