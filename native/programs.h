/* What this program can be. */
#ifndef GANTRY_PROGRAMS_H
#define GANTRY_PROGRAMS_H

#include <stdbool.h>

/* In the directory of the socket, because a socket's address holds no long path. */
int zygote_main(const char *socket_path);
/* The shim of one container; fd 3 is a connection to who wants it. Returns the exit code. */
int shim_main(const char *id, const char *directory);
/* The client of a command of gantry-runc: finds the resident that serves it, or starts one, and does what that says. `launcher`: the
 * program that becomes the resident; `build`: the file that tells one build from another; `folder`: for sockets. Returns the exit code. */
int runc_main(char *launcher, const char *build, const char *folder);
/* Goes on behind run_sealed. */
int runc_sealed_main(void);
/* resident.c: a connection to the resident; or -1, and the user has been told. */
int connect_resident(char *launcher, const char *build, const char *folder);

/* Goes on from a sealed copy in memory: no process of a container can change the program of the next one (CVE-2019-5736). Returns only
 * if that fails. */
int run_sealed(char **arguments);
bool sealed(void);

/* A listening unix socket of that name in the working directory, mode 0600. A negative errno or the fd. */
int listen_at(const char *name);
/* Whether the peer of a unix socket connection is root or us. */
int peer_trusted(int fd);

#endif
