/* Runs operations. One handler per operation; a handler returns 0 or a negative errno and names the failing call. */
#ifndef GANTRY_RUN_H
#define GANTRY_RUN_H

#include <sys/types.h>

#include "ops.gen.h"

enum { SLOT_BASE = 64 };

/* A file of an archive whose content is still coming. */
struct open_file {
	int fd; /* -1: none */
	uint64_t left;
	struct op_make_file wanted;
};

struct context {
	const char *call; /* the system call that failed last */
	int sync_fd; /* to the shim; -1 in a host-side plan */
	pid_t pid; /* of the child, for $PID in host operations; 0 elsewhere */
	uint32_t index; /* of the operation under way */
	struct message results; /* u32 index, sized bytes, … */
	uint32_t result_count;
	struct open_file file;
	struct {
		int fd; /* -1: none */
		uint32_t root;
		char path[4096];
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
/* Runs [from, count) in order and stops at the first failure; context->index tells which. */
int run_plan(struct context *context, const struct plan *plan, uint32_t from);
/* u32 index, u32 errno, sized call. */
void put_failure(struct message *message, const struct context *context, int error);

/* For handlers. */
static inline int slot_fd(uint32_t slot) { return SLOT_BASE + (int)slot; }
int fail(struct context *context, const char *call); /* -errno, and names the call */
void put_result(struct context *context, const void *data, size_t size);
/* As a new program expects them: nothing ignored, nothing blocked. */
void reset_signals(void);
int move_to_slot(struct context *context, int fd, uint32_t slot);
#define cleanup_fd __attribute__((cleanup(close_fd)))
void close_fd(int *fd);

/* path.c: below the slot `root` (SLOT_NONE: the process's own root), $PID replaced. A negative errno or an fd. */
int open_path(struct context *context, uint32_t root, const char *path, uint64_t flags, uint32_t mode);
/* The directory that holds the last component; `*base` points to that component, "" or "." for the root itself. */
int open_parent(struct context *context, uint32_t root, const char *path, const char **base);
/* The same, with missing directories made 0755. */
int make_parent(struct context *context, uint32_t root, const char *path, const char **base);
int make_directories(struct context *context, uint32_t root, const char *path, uint32_t mode);
int touch_at(struct context *context, uint32_t root, const char *path, uint32_t mode);
int remove_tree_at(struct context *context, int dirfd, const char *name);
int clear_directory(struct context *context, int fd);
/* "/proc/self/fd/N" */
struct fd_path {
	char text[32];
};
struct fd_path path_of_fd(int fd);

/* Handlers, by theme; -ENOSYS: not of this theme. */
int run_process_op(struct context *context, const struct op *op);
int run_identity_op(struct context *context, const struct op *op);
int run_mount_op(struct context *context, const struct op *op);
int run_file_op(struct context *context, const struct op *op);
int run_archive_op(struct context *context, const struct op *op);
int run_netlink(struct context *context, const struct op_netlink *op);
int run_bpf_device(struct context *context, const struct op_bpf_device *op);
/* copy-tree.c: what is in one directory into another, with owners, modes, times, links, nodes and xattrs. */
int copy_tree(struct context *context, int from, int to);
/* Gives the file that is being written its attributes and closes it. */
int finish_file(struct context *context);

#endif
