#ifndef GANTRY_ZYGOTE_H
#define GANTRY_ZYGOTE_H
int zygote_main(const char *socket_path);
/* A listening unix socket at the path, mode 0600. A negative errno or the fd. */
int listen_at(const char *path);
/* Whether the peer of a unix socket connection is root or us. */
int peer_trusted(int fd);
#endif
