/* Part of libev.c on Windows, after ev.c. */

/* Windows gives the number of a closed socket to the next socket, and wepoll learns of the close only when it waits. So when the first
 * watcher of a number starts, libev forgets what it knows of the number, and adds the number to the port. mood_port_set then replaces the
 * old entry. */
void
mood_io_start (struct ev_loop *loop, ev_io *w)
{
  if (!ev_is_active (w) && w->fd < loop->anfdmax && !loop->anfds [w->fd].head)
    loop->anfds [w->fd].events = loop->anfds [w->fd].emask = 0;

  ev_io_start (loop, w);
}
