/* Written by tools/gen-ops.ts from src/kernel/plan/op-*.table.ts. Do not edit. */
#ifndef GANTRY_OPS_GEN_H
#define GANTRY_OPS_GEN_H
#include "wire.h"

#define PLAN_VERSION 0xbd4f0b99u

enum op_code {
	OP_CLONE,
	OP_UNSHARE,
	OP_SETNS,
	OP_PIDFD,
	OP_AWAIT_START,
	OP_AWAIT_BYTE,
	OP_FIND_PROGRAM,
	OP_SETSID,
	OP_EXEC,
	OP_SPAWN,
	OP_OPEN,
	OP_CLOSE,
	OP_DUP_TO,
	OP_CLOEXEC_FROM,
	OP_OPEN_PTY,
	OP_SEND_FD,
	OP_PASS_FD,
	OP_RELAY_READINESS,
	OP_CONTROLLING_TTY,
	OP_WINDOW_SIZE,
	OP_CHOWN_STDIO,
	OP_MOUNT,
	OP_NEW_MOUNT,
	OP_BIND,
	OP_OPEN_TREE,
	OP_ATTACH_TREE,
	OP_MOVE_MOUNT,
	OP_USER_NAMESPACE,
	OP_MOUNT_ATTR,
	OP_UMOUNT,
	OP_PIVOT_ROOT,
	OP_CHROOT,
	OP_MASK_PATH,
	OP_READONLY_PATH,
	OP_MKDIR,
	OP_TOUCH,
	OP_WRITE,
	OP_INHERIT_FILE,
	OP_BPF_DEVICE,
	OP_READ,
	OP_SYMLINK,
	OP_MKNOD,
	OP_UNLINK,
	OP_RMDIR,
	OP_REMOVE_TREE,
	OP_COPY_TREE,
	OP_CHDIR,
	OP_UMASK,
	OP_SETHOSTNAME,
	OP_SETDOMAINNAME,
	OP_RLIMIT,
	OP_SETGROUPS,
	OP_SETGID,
	OP_SETUID,
	OP_CAP_BOUNDING,
	OP_CAPSET,
	OP_CAP_AMBIENT,
	OP_PRCTL,
	OP_PERSONALITY,
	OP_SCHED_SETATTR,
	OP_SCHED_SETAFFINITY,
	OP_IOPRIO_SET,
	OP_SET_MEMPOLICY,
	OP_JOIN_SESSION_KEYRING,
	OP_SECCOMP,
	OP_NETLINK,
	OP_MAKE_FILE,
	OP_FILE_DATA,
	OP_MAKE_DIR,
	OP_MAKE_SYMLINK,
	OP_MAKE_HARDLINK,
	OP_MAKE_NODE,
	OP_CLEAR_DIR,
	OP_SET_TIMES,
	OP_CHECK_KIND,
	OP_STAT,
	OP_READ_TREE,
	OP_COUNT,
};

struct op_clone {
	uint64_t flags;
	uint32_t into_cgroup_slot;
};

struct op_unshare {
	uint32_t flags;
};

struct op_setns {
	const char *path;
	uint32_t slot;
	uint32_t flags;
};

struct op_pidfd {
	uint32_t pid;
	uint32_t slot;
};

struct op_await_byte {
	uint32_t slot;
};

struct op_find_program {
	struct list candidates;
};

struct op_exec {
	struct list candidates;
	struct list argv;
	struct list env;
};

struct op_spawn {
	const char *path;
	struct list argv;
	struct list env;
	struct list stdin;
	uint32_t timeout_ms;
	const char *cwd;
	uint32_t pid_arg;
};

struct op_open {
	const char *path;
	uint32_t root;
	uint32_t flags;
	uint32_t mode;
	uint32_t slot;
};

struct op_close {
	uint32_t slot;
};

struct op_dup_to {
	uint32_t slot;
	uint32_t fd;
};

struct op_cloexec_from {
	uint32_t first;
};

struct op_open_pty {
	uint32_t root;
	uint32_t master;
	uint32_t slave;
};

struct op_send_fd {
	uint32_t slot;
	uint32_t kept;
};

struct op_pass_fd {
	const char *path;
	uint32_t slot;
	uint32_t sent;
	struct list parts;
};

struct op_relay_readiness {
	const char *path;
	const char *to;
	uint32_t pid;
	uint32_t main;
};

struct op_controlling_tty {
	uint32_t slot;
};

struct op_window_size {
	uint32_t slot;
	uint32_t rows;
	uint32_t cols;
};

struct op_chown_stdio {
	uint32_t uid;
	uint32_t gid;
};

struct op_mount {
	const char *fstype;
	const char *source;
	const char *target;
	uint32_t root;
	uint64_t flags;
	const char *data;
	const char *cwd;
};

struct op_new_mount {
	const char *fstype;
	struct list keys;
	struct list values;
	uint32_t attributes;
	uint32_t slot;
};

struct op_bind {
	const char *source;
	uint32_t source_slot;
	const char *target;
	uint32_t root;
	uint32_t recursive;
	uint32_t create_target;
};

struct op_open_tree {
	const char *source;
	uint32_t slot;
	uint32_t recursive;
};

struct op_attach_tree {
	uint32_t slot;
	const char *target;
	uint32_t root;
	uint32_t create_target;
	uint32_t keep_mode;
};

struct op_move_mount {
	const char *source;
	const char *target;
};

struct op_user_namespace {
	struct bytes uid_map;
	struct bytes gid_map;
	uint32_t slot;
};

struct op_mount_attr {
	const char *target;
	uint32_t root;
	uint64_t set;
	uint64_t clear;
	uint64_t propagation;
	uint32_t recursive;
	uint32_t userns_slot;
	uint32_t missing_ok;
};

struct op_umount {
	const char *target;
	uint32_t flags;
	uint32_t missing_ok;
};

struct op_pivot_root {
	const char *new_root;
};

struct op_chroot {
	const char *path;
};

struct op_mask_path {
	const char *path;
	uint32_t root;
};

struct op_readonly_path {
	const char *path;
	uint32_t root;
};

struct op_mkdir {
	const char *path;
	uint32_t root;
	uint32_t mode;
	uint32_t parents;
};

struct op_touch {
	const char *path;
	uint32_t root;
	uint32_t mode;
};

struct op_write {
	const char *path;
	uint32_t root;
	uint32_t flags;
	uint32_t mode;
	struct bytes data;
	uint32_t fs_magic;
	uint32_t missing_ok;
};

struct op_inherit_file {
	const char *from;
	const char *to;
};

struct op_bpf_device {
	const char *path;
	struct bytes program;
};

struct op_read {
	const char *path;
	uint32_t root;
	uint32_t missing_ok;
};

struct op_symlink {
	const char *target;
	const char *path;
	uint32_t root;
	uint32_t exists_ok;
};

struct op_mknod {
	const char *path;
	uint32_t root;
	uint32_t mode;
	uint32_t major;
	uint32_t minor;
	uint32_t uid;
	uint32_t gid;
};

struct op_unlink {
	const char *path;
	uint32_t missing_ok;
};

struct op_rmdir {
	const char *path;
	uint32_t missing_ok;
};

struct op_remove_tree {
	const char *path;
	uint32_t root;
	uint32_t missing_ok;
};

struct op_copy_tree {
	uint32_t from;
	uint32_t to;
	uint32_t content_only;
};

struct op_chdir {
	const char *path;
};

struct op_umask {
	uint32_t mask;
};

struct op_sethostname {
	const char *name;
};

struct op_setdomainname {
	const char *name;
};

struct op_rlimit {
	uint32_t resource;
	uint64_t soft;
	uint64_t hard;
};

struct op_setgroups {
	struct list gids;
};

struct op_setgid {
	uint32_t gid;
};

struct op_setuid {
	uint32_t uid;
};

struct op_cap_bounding {
	uint64_t mask;
};

struct op_capset {
	uint64_t effective;
	uint64_t permitted;
	uint64_t inheritable;
};

struct op_cap_ambient {
	uint64_t mask;
};

struct op_prctl {
	uint32_t option;
	struct list args;
};

struct op_personality {
	uint32_t persona;
};

struct op_sched_setattr {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	uint32_t nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
};

struct op_sched_setaffinity {
	struct bytes mask;
};

struct op_ioprio_set {
	uint32_t value;
};

struct op_set_mempolicy {
	uint32_t mode;
	struct bytes nodes;
	uint32_t max_node;
};

struct op_join_session_keyring {
	const char *name;
};

struct op_seccomp {
	struct bytes filter;
	uint32_t flags;
	uint32_t listener_slot;
};

struct op_netlink {
	uint32_t protocol;
	struct list messages;
	struct list ignore_errno;
	uint32_t pid_at;
};

struct op_make_file {
	uint32_t root;
	const char *path;
	struct attributes attributes;
	uint64_t size;
};

struct op_file_data {
	struct bytes data;
};

struct op_make_dir {
	uint32_t root;
	const char *path;
	struct attributes attributes;
};

struct op_make_symlink {
	uint32_t root;
	const char *path;
	const char *target;
	struct attributes attributes;
};

struct op_make_hardlink {
	uint32_t root;
	const char *path;
	const char *target;
};

struct op_make_node {
	uint32_t root;
	const char *path;
	struct attributes attributes;
	uint32_t major;
	uint32_t minor;
};

struct op_clear_dir {
	uint32_t root;
	const char *path;
};

struct op_set_times {
	uint32_t root;
	const char *path;
	struct times mtime;
};

struct op_check_kind {
	uint32_t root;
	const char *path;
	uint32_t directory;
};

struct op_stat {
	uint32_t root;
	const char *path;
	uint32_t missing_ok;
};

struct op_read_tree {
	uint32_t root;
	const char *path;
	uint32_t content;
};

struct op {
	enum op_code code;
	uint32_t marks; /* MARK_HOST, MARK_MAY_FAIL */
	union {
		struct op_clone clone;
		struct op_unshare unshare;
		struct op_setns setns;
		struct op_pidfd pidfd;
		struct op_await_byte await_byte;
		struct op_find_program find_program;
		struct op_exec exec;
		struct op_spawn spawn;
		struct op_open open;
		struct op_close close;
		struct op_dup_to dup_to;
		struct op_cloexec_from cloexec_from;
		struct op_open_pty open_pty;
		struct op_send_fd send_fd;
		struct op_pass_fd pass_fd;
		struct op_relay_readiness relay_readiness;
		struct op_controlling_tty controlling_tty;
		struct op_window_size window_size;
		struct op_chown_stdio chown_stdio;
		struct op_mount mount;
		struct op_new_mount new_mount;
		struct op_bind bind;
		struct op_open_tree open_tree;
		struct op_attach_tree attach_tree;
		struct op_move_mount move_mount;
		struct op_user_namespace user_namespace;
		struct op_mount_attr mount_attr;
		struct op_umount umount;
		struct op_pivot_root pivot_root;
		struct op_chroot chroot;
		struct op_mask_path mask_path;
		struct op_readonly_path readonly_path;
		struct op_mkdir mkdir;
		struct op_touch touch;
		struct op_write write;
		struct op_inherit_file inherit_file;
		struct op_bpf_device bpf_device;
		struct op_read read;
		struct op_symlink symlink;
		struct op_mknod mknod;
		struct op_unlink unlink;
		struct op_rmdir rmdir;
		struct op_remove_tree remove_tree;
		struct op_copy_tree copy_tree;
		struct op_chdir chdir;
		struct op_umask umask;
		struct op_sethostname sethostname;
		struct op_setdomainname setdomainname;
		struct op_rlimit rlimit;
		struct op_setgroups setgroups;
		struct op_setgid setgid;
		struct op_setuid setuid;
		struct op_cap_bounding cap_bounding;
		struct op_capset capset;
		struct op_cap_ambient cap_ambient;
		struct op_prctl prctl;
		struct op_personality personality;
		struct op_sched_setattr sched_setattr;
		struct op_sched_setaffinity sched_setaffinity;
		struct op_ioprio_set ioprio_set;
		struct op_set_mempolicy set_mempolicy;
		struct op_join_session_keyring join_session_keyring;
		struct op_seccomp seccomp;
		struct op_netlink netlink;
		struct op_make_file make_file;
		struct op_file_data file_data;
		struct op_make_dir make_dir;
		struct op_make_symlink make_symlink;
		struct op_make_hardlink make_hardlink;
		struct op_make_node make_node;
		struct op_clear_dir clear_dir;
		struct op_set_times set_times;
		struct op_check_kind check_kind;
		struct op_stat stat;
		struct op_read_tree read_tree;
	};
};

enum { MARK_HOST = 1, MARK_MAY_FAIL = 2 };

/* Reads the fields of an operation whose code is set; what is wrong shows in reader->bad. */
void read_op_fields(struct reader *reader, struct op *op);

struct context;
/* 0 or a negative errno. */
int perform(struct context *context, const struct op *op);

/* The handlers: what is not a single system call. */
int do_clone(struct context *context, const struct op_clone *op);
int do_setns(struct context *context, const struct op_setns *op);
int do_pidfd(struct context *context, const struct op_pidfd *op);
int do_await_start(struct context *context);
int do_await_byte(struct context *context, const struct op_await_byte *op);
int do_find_program(struct context *context, const struct op_find_program *op);
int do_exec(struct context *context, const struct op_exec *op);
int do_spawn(struct context *context, const struct op_spawn *op);
int do_open(struct context *context, const struct op_open *op);
int do_open_pty(struct context *context, const struct op_open_pty *op);
int do_send_fd(struct context *context, const struct op_send_fd *op);
int do_pass_fd(struct context *context, const struct op_pass_fd *op);
int do_relay_readiness(struct context *context, const struct op_relay_readiness *op);
int do_window_size(struct context *context, const struct op_window_size *op);
int do_chown_stdio(struct context *context, const struct op_chown_stdio *op);
int do_mount(struct context *context, const struct op_mount *op);
int do_new_mount(struct context *context, const struct op_new_mount *op);
int do_bind(struct context *context, const struct op_bind *op);
int do_open_tree(struct context *context, const struct op_open_tree *op);
int do_attach_tree(struct context *context, const struct op_attach_tree *op);
int do_user_namespace(struct context *context, const struct op_user_namespace *op);
int do_mount_attr(struct context *context, const struct op_mount_attr *op);
int do_umount(struct context *context, const struct op_umount *op);
int do_pivot_root(struct context *context, const struct op_pivot_root *op);
int do_mask_path(struct context *context, const struct op_mask_path *op);
int do_readonly_path(struct context *context, const struct op_readonly_path *op);
int do_mkdir(struct context *context, const struct op_mkdir *op);
int do_touch(struct context *context, const struct op_touch *op);
int do_write(struct context *context, const struct op_write *op);
int do_inherit_file(struct context *context, const struct op_inherit_file *op);
int do_bpf_device(struct context *context, const struct op_bpf_device *op);
int do_read(struct context *context, const struct op_read *op);
int do_symlink(struct context *context, const struct op_symlink *op);
int do_mknod(struct context *context, const struct op_mknod *op);
int do_remove_tree(struct context *context, const struct op_remove_tree *op);
int do_copy_tree(struct context *context, const struct op_copy_tree *op);
int do_chdir(struct context *context, const struct op_chdir *op);
int do_cap_bounding(struct context *context, const struct op_cap_bounding *op);
int do_capset(struct context *context, const struct op_capset *op);
int do_cap_ambient(struct context *context, const struct op_cap_ambient *op);
int do_prctl(struct context *context, const struct op_prctl *op);
int do_seccomp(struct context *context, const struct op_seccomp *op);
int do_netlink(struct context *context, const struct op_netlink *op);
int do_make_file(struct context *context, const struct op_make_file *op);
int do_file_data(struct context *context, const struct op_file_data *op);
int do_make_dir(struct context *context, const struct op_make_dir *op);
int do_make_symlink(struct context *context, const struct op_make_symlink *op);
int do_make_hardlink(struct context *context, const struct op_make_hardlink *op);
int do_make_node(struct context *context, const struct op_make_node *op);
int do_clear_dir(struct context *context, const struct op_clear_dir *op);
int do_set_times(struct context *context, const struct op_set_times *op);
int do_check_kind(struct context *context, const struct op_check_kind *op);
int do_stat(struct context *context, const struct op_stat *op);
int do_read_tree(struct context *context, const struct op_read_tree *op);

#endif
