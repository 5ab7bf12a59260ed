#ifndef GANTRY_ZYGOTE_H
#define GANTRY_ZYGOTE_H

/* In the directory of the socket, because a socket's address holds no long path. */
int zygote_main(const char *socket_path);
/* A listening unix socket of that name in the working directory, mode 0600. A negative errno or the fd. */
int listen_at(const char *name);
/* Whether the peer of a unix socket connection is root or us. */
int peer_trusted(int fd);

#endif
