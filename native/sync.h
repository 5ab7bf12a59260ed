/* Messages between a process that runs a plan and its shim, over a SOCK_SEQPACKET pair. The end of the connection without a failure
 * message means that the program was executed. */
#ifndef GANTRY_SYNC_H
#define GANTRY_SYNC_H

#include <stdint.h>
#include <sys/types.h>

/* Of a plan: which operation failed, how, in which system call. */
struct failure {
	uint32_t index;
	int32_t error; /* negative errno; 0: none */
	char call[448]; /* or what a program said that was run and failed */
};

struct sync_message {
	uint32_t kind; /* one of SYNC_ */
	pid_t pid;
	struct failure at; /* of SYNC_HOST, SYNC_KEEP only the index; what is left out is zero */
};

#endif
