/* Runs operations. One is a short program of steps, compiled by src/kernel/plan/steps: a step is a system call or one of the few things
 * that are more than a call. A step's result goes to a register; one that fails ends the operation, unless the program looks at it. */
#ifndef GANTRY_RUN_H
#define GANTRY_RUN_H

#include <sys/types.h>

#include "ops.gen.h"
#include "wire.h"

enum { SLOT_BASE = 64, SLOT_COUNT = 128, PATH_SIZE = 4096 };

struct op {
	uint32_t marks;
	struct bytes data; /* what steps point to, and may write to */
	struct bytes code;
};

struct context {
	const char *call; /* the system call that failed last; of an operation's data: not for longer than its plan */
	pid_t pid; /* of the child, in host operations; 0 elsewhere */
	uint32_t index; /* of the operation under way */
	struct message results; /* u32 index, sized bytes, … */
	uint32_t result_count;
};

struct plan {
	struct frame memory; /* holds the bytes that the operations point into */
	struct op *ops;
	uint32_t count;
};

/* Of a plan: which operation failed, how, in which system call. */
struct failure {
	uint32_t index;
	int32_t error; /* negative errno; 0: none */
	char call[448]; /* or what a program said that was run and failed */
};

void init_context(struct context *context);
/* 0, -EPROTO, -EBADMSG or -ENOMEM. u32 version, u32 count, operations; nothing is an empty plan. `ops` is one allocation. */
int read_plan(struct bytes bytes, struct plan *plan);
void free_plan(struct plan *plan);
int run_op(struct context *context, const struct op *op);
/* Runs operations in order from context->index on, up to `end`, and stops at the first failure, which that tells then. */
int run_plan(struct context *context, const struct plan *plan, uint32_t end);
struct failure failure_of(const struct context *context, int error);
/* A failure is the whole of it. */
struct message begin_reply(uint32_t request, const struct failure *failure);
/* Runs a plan and replies with its results, or the failure. If there is no memory or nobody to tell, the end of the connection says it. */
void serve_plan(int fd, uint32_t request, struct bytes plan);

/* Of the operation that runs. */
struct machine {
	struct context *context;
	const struct op *op;
	struct reader code;
	long registers[REGISTERS];
};

static inline int slot_fd(uint32_t slot) { return SLOT_BASE + (int)slot; }
int fail(struct context *context, const char *call); /* -errno, and names the call */
int refuse(struct context *context, const char *call, int error); /* the same with an errno of our own */
void put_result(struct context *context, const void *data, size_t size);
/* As a new program expects them: nothing ignored, nothing blocked. */
void reset_signals(void);
#define cleanup_fd __attribute__((cleanup(close_fd)))
void close_fd(int *fd); /* and sets it to -1 */

#endif
