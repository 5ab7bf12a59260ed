/* Runs operations. What is a single system call is in ops.gen.c; every other operation has a handler `do_…`, declared in ops.gen.h. */
#ifndef GANTRY_RUN_H
#define GANTRY_RUN_H

#include <sys/types.h>
#include <time.h>

#include "ops.gen.h"
#include "sync.h"

enum { SLOT_BASE = 64, PATH_SIZE = 4096 };

/* A file of an archive whose content is still coming. */
struct open_file {
	int fd; /* -1: none */
	uint64_t left;
	struct op_make_file wanted;
};

struct context {
	const char *call; /* the system call that failed last */
	int sync_fd; /* to the shim; -1 in a host-side plan */
	int reply_fd; /* of a stream, for what cannot wait for its end; else -1 */
	pid_t pid; /* of the child, for $PID in host operations; 0 elsewhere */
	uint32_t index; /* of the operation under way */
	struct message results; /* u32 index, sized bytes, … */
	uint32_t result_count;
	struct open_file file;
	struct {
		int fd; /* -1: none */
		uint32_t root;
		char path[PATH_SIZE];
	} parent; /* directory used last by an archive operation */
	int empty; /* masks directories; -1: not made yet */
};

struct plan {
	struct frame memory; /* holds the bytes that the operations point into */
	struct op *ops;
	uint32_t count;
};

void init_context(struct context *context);
/* 0, -EBADMSG or -ENOMEM. Takes the operations from the reader: u32 count, then each. `ops` is one allocation. */
int read_plan(struct reader *reader, struct plan *plan);
int read_op(struct reader *reader, struct op *op);
void free_plan(struct plan *plan);
int run_op(struct context *context, const struct op *op);
/* Runs operations in order from context->index on and stops at the first failure, which that tells then. */
int run_plan(struct context *context, const struct plan *plan);
struct failure failure_of(const struct context *context, int error);
void put_failure(struct message *message, const struct failure *failure);

/* For handlers. */
static inline int slot_fd(uint32_t slot) { return SLOT_BASE + (int)slot; }
int fail(struct context *context, const char *call); /* -errno, and names the call */
int refuse(struct context *context, const char *call, int error); /* the same with an errno of our own */
int checked(struct context *context, const char *call, long result); /* 0, or the failure if the result is negative */
int unless_missing(int result, bool missing_ok); /* 0 if all that is wrong is that the target is missing */
void put_result(struct context *context, const void *data, size_t size);
int put_in_slot(struct context *context, int fd, uint32_t slot); /* a copy of the fd */
/* As a new program expects them: nothing ignored, nothing blocked. */
void reset_signals(void);
#define cleanup_fd __attribute__((cleanup(close_fd)))
void close_fd(int *fd); /* and sets it to -1 */

/* path.c: below the slot `root` (SLOT_NONE: the process's own root), $PID replaced. A negative errno or an fd. */
int open_path(struct context *context, uint32_t root, const char *path, uint64_t flags, uint32_t mode);
/* The directory that holds the last component; `*base` points to that component, "" or "." for the root itself. */
int open_parent(struct context *context, uint32_t root, const char *path, const char **base);
/* The same, with missing directories made 0755. */
int make_parent(struct context *context, uint32_t root, const char *path, const char **base);
/* What the path leads to; if missing, a directory or an empty file is made, as the type in `mode` says, below directories. A symlink
 * to nothing makes what it points to, as /etc/resolv.conf of many an image does. */
int make_path(struct context *context, uint32_t root, const char *path, uint32_t mode);
/* The same in a directory that must be there; a symlink to nothing is a failure. */
int make_entry(struct context *context, uint32_t root, const char *path, uint32_t mode);
/* "/proc/self/fd/N" */
struct fd_path {
	char text[32];
};
struct fd_path path_of_fd(int fd);

/* remove-tree.c: never through a symlink, never across a mount. Absent is success. */
int remove_tree_at(struct context *context, int directory, const char *name);
int clear_directory(struct context *context, int fd);
/* Of the mount that the fd lies on. */
int mount_id(struct context *context, int fd, uint64_t *id);

/* attributes.c: of what an fd names, be it opened with O_PATH only. */
int set_owner_and_mode(struct context *context, int fd, uint32_t uid, uint32_t gid, uint32_t mode);
int set_times(struct context *context, int fd, struct timespec accessed, struct timespec modified);
int set_attributes(struct context *context, int fd, const struct attributes *wanted);
struct timespec timespec_of(struct times times);
/* Opens what was made at a name just now, to give it its attributes. */
int open_made(struct context *context, int parent, const char *base);

/* Gives the file that is being written its attributes and closes it. */
int finish_file(struct context *context);
void forget_parent(struct context *context);

#endif
