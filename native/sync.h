/* Messages between a process that runs a plan and its shim, over a SOCK_SEQPACKET pair. The end of the connection without a failure
 * message means that the program was executed. */
#ifndef GANTRY_SYNC_H
#define GANTRY_SYNC_H

#include <stdint.h>
#include <sys/types.h>

enum sync_kind {
	SYNC_PID = 'P', /* child -> shim: the clone's pid, from the process that made it */
	SYNC_HOST = 'H', /* child -> shim: run the host operations from this index on */
	SYNC_FD = 'D', /* child -> shim: carries the pty master */
	SYNC_KEEP = 'K', /* child -> client: carries an fd for the client's own slot of that index */
	SYNC_CREATED = 'A', /* child -> shim: stands at awaitStart */
	SYNC_FAILED = 'F', /* child -> shim */
	SYNC_GO = 'G', /* shim -> child */
};

/* Of a plan: which operation failed, how, in which system call. */
struct failure {
	uint32_t index;
	int32_t error; /* negative errno; 0: none */
	char call[448]; /* or what a program said that was run and failed */
};

struct sync_message {
	uint32_t kind;
	pid_t pid;
	struct failure at; /* of SYNC_HOST only the index */
};

/* All return 0 or a negative errno. */
/* With a copy of the fd `carried`, unless that is -1. */
int sync_send(int fd, const struct sync_message *message, int carried);
/* The same for any bytes. */
int send_fd(int fd, const void *data, size_t size, int carried);
/* Sends and waits until the shim says go. */
int sync_ask(int fd, enum sync_kind kind, uint32_t index);
/* Returns what recvmsg does; `*carried` is -1 or an fd that came along. */
ssize_t sync_receive(int fd, struct sync_message *message, int *carried);

#endif
