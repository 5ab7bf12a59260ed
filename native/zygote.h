#ifndef GANTRY_ZYGOTE_H
#define GANTRY_ZYGOTE_H

struct frame;

int zygote_main(const char *socket_path);
/* Runs the plan in the frame and replies. */
void serve_plan(int fd, struct frame *frame);
/* A listening unix socket at the path, mode 0600. A negative errno or the fd. */
int listen_at(const char *path);
/* Whether the peer of a unix socket connection is root or us. */
int peer_trusted(int fd);

#endif
