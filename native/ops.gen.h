/* Written by tools/gen-ops.ts from src/kernel/plan/op-fields.table.ts. Do not edit. */
#ifndef GANTRY_OPS_GEN_H
#define GANTRY_OPS_GEN_H
#include "wire.h"

#define PLAN_VERSION 0x359bb6e2u

enum op_code {
	OP_CLONE,
	OP_UNSHARE,
	OP_SETNS,
	OP_PIDFD,
	OP_AWAIT_START,
	OP_SETSID,
	OP_EXEC,
	OP_SPAWN,
	OP_OPEN,
	OP_CLOSE,
	OP_DUP_TO,
	OP_CLOEXEC_FROM,
	OP_OPEN_PTY,
	OP_SEND_FD,
	OP_CONTROLLING_TTY,
	OP_WINDOW_SIZE,
	OP_CHOWN_STDIO,
	OP_MOUNT,
	OP_BIND,
	OP_OPEN_TREE,
	OP_ATTACH_TREE,
	OP_MOUNT_ATTR,
	OP_REMOUNT,
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
	OP_CHOWN,
	OP_CHMOD,
	OP_UNLINK,
	OP_RMDIR,
	OP_REMOVE_TREE,
	OP_COPY_TREE,
	OP_RENAME,
	OP_SYNCFS,
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

struct op_exec {
	struct list candidates;
	struct list argv;
	struct list env;
};

struct op_spawn {
	const char *path;
	struct list argv;
	struct list env;
	struct bytes stdin;
	uint32_t timeout_ms;
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
	uint32_t keep_mode;
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

struct op_remount {
	const char *target;
	uint32_t root;
	uint64_t flags;
	const char *data;
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

struct op_chown {
	const char *path;
	uint32_t root;
	uint32_t uid;
	uint32_t gid;
};

struct op_chmod {
	const char *path;
	uint32_t root;
	uint32_t mode;
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
};

struct op_rename {
	const char *from;
	const char *to;
};

struct op_syncfs {
	const char *path;
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

struct op_join_session_keyring {
	const char *name;
};

struct op_seccomp {
	struct bytes filter;
	uint32_t flags;
};

struct op_netlink {
	uint32_t protocol;
	struct list messages;
	struct list ignore_errno;
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

struct op {
	enum op_code code;
	uint32_t marks; /* MARK_HOST, MARK_MAY_FAIL */
	union {
		struct op_clone clone;
		struct op_unshare unshare;
		struct op_setns setns;
		struct op_pidfd pidfd;
		struct op_exec exec;
		struct op_spawn spawn;
		struct op_open open;
		struct op_close close;
		struct op_dup_to dup_to;
		struct op_cloexec_from cloexec_from;
		struct op_open_pty open_pty;
		struct op_send_fd send_fd;
		struct op_controlling_tty controlling_tty;
		struct op_window_size window_size;
		struct op_chown_stdio chown_stdio;
		struct op_mount mount;
		struct op_bind bind;
		struct op_open_tree open_tree;
		struct op_attach_tree attach_tree;
		struct op_mount_attr mount_attr;
		struct op_remount remount;
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
		struct op_chown chown;
		struct op_chmod chmod;
		struct op_unlink unlink;
		struct op_rmdir rmdir;
		struct op_remove_tree remove_tree;
		struct op_copy_tree copy_tree;
		struct op_rename rename;
		struct op_syncfs syncfs;
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
	};
};

enum { MARK_HOST = 1, MARK_MAY_FAIL = 2 };

/* Reads the fields of an operation whose code is set; what is wrong shows in reader->bad. */
static inline void read_op_fields(struct reader *reader, struct op *op)
{
	switch (op->code) {
	case OP_CLONE:
		op->clone.flags = read_u64(reader);
		op->clone.into_cgroup_slot = read_optional_slot(reader);
		break;
	case OP_UNSHARE:
		op->unshare.flags = read_u32(reader);
		break;
	case OP_SETNS:
		op->setns.path = read_optional_string(reader);
		op->setns.slot = read_optional_slot(reader);
		op->setns.flags = read_u32(reader);
		break;
	case OP_PIDFD:
		op->pidfd.pid = read_u32(reader);
		op->pidfd.slot = read_slot(reader);
		break;
	case OP_AWAIT_START:
		break;
	case OP_SETSID:
		break;
	case OP_EXEC:
		op->exec.candidates = read_string_list(reader);
		op->exec.argv = read_string_list(reader);
		op->exec.env = read_string_list(reader);
		break;
	case OP_SPAWN:
		op->spawn.path = read_string(reader);
		op->spawn.argv = read_string_list(reader);
		op->spawn.env = read_string_list(reader);
		op->spawn.stdin = read_bytes(reader);
		op->spawn.timeout_ms = read_u32(reader);
		break;
	case OP_OPEN:
		op->open.path = read_string(reader);
		op->open.root = read_optional_slot(reader);
		op->open.flags = read_u32(reader);
		op->open.mode = read_u32(reader);
		op->open.slot = read_slot(reader);
		break;
	case OP_CLOSE:
		op->close.slot = read_slot(reader);
		break;
	case OP_DUP_TO:
		op->dup_to.slot = read_slot(reader);
		op->dup_to.fd = read_u32(reader);
		break;
	case OP_CLOEXEC_FROM:
		op->cloexec_from.first = read_u32(reader);
		break;
	case OP_OPEN_PTY:
		op->open_pty.root = read_slot(reader);
		op->open_pty.master = read_slot(reader);
		op->open_pty.slave = read_slot(reader);
		break;
	case OP_SEND_FD:
		op->send_fd.slot = read_slot(reader);
		break;
	case OP_CONTROLLING_TTY:
		op->controlling_tty.slot = read_slot(reader);
		break;
	case OP_WINDOW_SIZE:
		op->window_size.slot = read_slot(reader);
		op->window_size.rows = read_u32(reader);
		op->window_size.cols = read_u32(reader);
		break;
	case OP_CHOWN_STDIO:
		op->chown_stdio.uid = read_u32(reader);
		op->chown_stdio.gid = read_u32(reader);
		break;
	case OP_MOUNT:
		op->mount.fstype = read_string(reader);
		op->mount.source = read_string(reader);
		op->mount.target = read_string(reader);
		op->mount.root = read_optional_slot(reader);
		op->mount.flags = read_u64(reader);
		op->mount.data = read_string(reader);
		op->mount.cwd = read_optional_string(reader);
		op->mount.keep_mode = read_u32(reader);
		break;
	case OP_BIND:
		op->bind.source = read_optional_string(reader);
		op->bind.source_slot = read_optional_slot(reader);
		op->bind.target = read_string(reader);
		op->bind.root = read_optional_slot(reader);
		op->bind.recursive = read_u32(reader);
		op->bind.create_target = read_u32(reader);
		break;
	case OP_OPEN_TREE:
		op->open_tree.source = read_string(reader);
		op->open_tree.slot = read_slot(reader);
		op->open_tree.recursive = read_u32(reader);
		break;
	case OP_ATTACH_TREE:
		op->attach_tree.slot = read_slot(reader);
		op->attach_tree.target = read_string(reader);
		op->attach_tree.root = read_optional_slot(reader);
		op->attach_tree.create_target = read_u32(reader);
		break;
	case OP_MOUNT_ATTR:
		op->mount_attr.target = read_string(reader);
		op->mount_attr.root = read_optional_slot(reader);
		op->mount_attr.set = read_u64(reader);
		op->mount_attr.clear = read_u64(reader);
		op->mount_attr.propagation = read_u64(reader);
		op->mount_attr.recursive = read_u32(reader);
		op->mount_attr.userns_slot = read_optional_slot(reader);
		op->mount_attr.missing_ok = read_u32(reader);
		break;
	case OP_REMOUNT:
		op->remount.target = read_string(reader);
		op->remount.root = read_optional_slot(reader);
		op->remount.flags = read_u64(reader);
		op->remount.data = read_string(reader);
		break;
	case OP_UMOUNT:
		op->umount.target = read_string(reader);
		op->umount.flags = read_u32(reader);
		op->umount.missing_ok = read_u32(reader);
		break;
	case OP_PIVOT_ROOT:
		op->pivot_root.new_root = read_string(reader);
		break;
	case OP_CHROOT:
		op->chroot.path = read_string(reader);
		break;
	case OP_MASK_PATH:
		op->mask_path.path = read_string(reader);
		op->mask_path.root = read_slot(reader);
		break;
	case OP_READONLY_PATH:
		op->readonly_path.path = read_string(reader);
		op->readonly_path.root = read_slot(reader);
		break;
	case OP_MKDIR:
		op->mkdir.path = read_string(reader);
		op->mkdir.root = read_optional_slot(reader);
		op->mkdir.mode = read_u32(reader);
		op->mkdir.parents = read_u32(reader);
		break;
	case OP_TOUCH:
		op->touch.path = read_string(reader);
		op->touch.root = read_optional_slot(reader);
		op->touch.mode = read_u32(reader);
		break;
	case OP_WRITE:
		op->write.path = read_string(reader);
		op->write.root = read_optional_slot(reader);
		op->write.flags = read_u32(reader);
		op->write.mode = read_u32(reader);
		op->write.data = read_bytes(reader);
		op->write.fs_magic = read_u32(reader);
		op->write.missing_ok = read_u32(reader);
		break;
	case OP_INHERIT_FILE:
		op->inherit_file.from = read_string(reader);
		op->inherit_file.to = read_string(reader);
		break;
	case OP_BPF_DEVICE:
		op->bpf_device.path = read_string(reader);
		op->bpf_device.program = read_bytes(reader);
		break;
	case OP_READ:
		op->read.path = read_string(reader);
		op->read.root = read_optional_slot(reader);
		op->read.missing_ok = read_u32(reader);
		break;
	case OP_SYMLINK:
		op->symlink.target = read_string(reader);
		op->symlink.path = read_string(reader);
		op->symlink.root = read_optional_slot(reader);
		op->symlink.exists_ok = read_u32(reader);
		break;
	case OP_MKNOD:
		op->mknod.path = read_string(reader);
		op->mknod.root = read_optional_slot(reader);
		op->mknod.mode = read_u32(reader);
		op->mknod.major = read_u32(reader);
		op->mknod.minor = read_u32(reader);
		op->mknod.uid = read_u32(reader);
		op->mknod.gid = read_u32(reader);
		break;
	case OP_CHOWN:
		op->chown.path = read_string(reader);
		op->chown.root = read_optional_slot(reader);
		op->chown.uid = read_u32(reader);
		op->chown.gid = read_u32(reader);
		break;
	case OP_CHMOD:
		op->chmod.path = read_string(reader);
		op->chmod.root = read_optional_slot(reader);
		op->chmod.mode = read_u32(reader);
		break;
	case OP_UNLINK:
		op->unlink.path = read_string(reader);
		op->unlink.missing_ok = read_u32(reader);
		break;
	case OP_RMDIR:
		op->rmdir.path = read_string(reader);
		op->rmdir.missing_ok = read_u32(reader);
		break;
	case OP_REMOVE_TREE:
		op->remove_tree.path = read_string(reader);
		op->remove_tree.root = read_optional_slot(reader);
		op->remove_tree.missing_ok = read_u32(reader);
		break;
	case OP_COPY_TREE:
		op->copy_tree.from = read_slot(reader);
		op->copy_tree.to = read_slot(reader);
		break;
	case OP_RENAME:
		op->rename.from = read_string(reader);
		op->rename.to = read_string(reader);
		break;
	case OP_SYNCFS:
		op->syncfs.path = read_string(reader);
		break;
	case OP_CHDIR:
		op->chdir.path = read_string(reader);
		break;
	case OP_UMASK:
		op->umask.mask = read_u32(reader);
		break;
	case OP_SETHOSTNAME:
		op->sethostname.name = read_string(reader);
		break;
	case OP_SETDOMAINNAME:
		op->setdomainname.name = read_string(reader);
		break;
	case OP_RLIMIT:
		op->rlimit.resource = read_u32(reader);
		op->rlimit.soft = read_u64(reader);
		op->rlimit.hard = read_u64(reader);
		break;
	case OP_SETGROUPS:
		op->setgroups.gids = read_u32_list(reader);
		break;
	case OP_SETGID:
		op->setgid.gid = read_u32(reader);
		break;
	case OP_SETUID:
		op->setuid.uid = read_u32(reader);
		break;
	case OP_CAP_BOUNDING:
		op->cap_bounding.mask = read_u64(reader);
		break;
	case OP_CAPSET:
		op->capset.effective = read_u64(reader);
		op->capset.permitted = read_u64(reader);
		op->capset.inheritable = read_u64(reader);
		break;
	case OP_CAP_AMBIENT:
		op->cap_ambient.mask = read_u64(reader);
		break;
	case OP_PRCTL:
		op->prctl.option = read_u32(reader);
		op->prctl.args = read_u32_list(reader);
		break;
	case OP_PERSONALITY:
		op->personality.persona = read_u32(reader);
		break;
	case OP_JOIN_SESSION_KEYRING:
		op->join_session_keyring.name = read_string(reader);
		break;
	case OP_SECCOMP:
		op->seccomp.filter = read_bytes(reader);
		op->seccomp.flags = read_u32(reader);
		break;
	case OP_NETLINK:
		op->netlink.protocol = read_u32(reader);
		op->netlink.messages = read_bytes_list(reader);
		op->netlink.ignore_errno = read_u32_list(reader);
		break;
	case OP_MAKE_FILE:
		op->make_file.root = read_slot(reader);
		op->make_file.path = read_string(reader);
		op->make_file.attributes = read_attributes(reader);
		op->make_file.size = read_u64(reader);
		break;
	case OP_FILE_DATA:
		op->file_data.data = read_bytes(reader);
		break;
	case OP_MAKE_DIR:
		op->make_dir.root = read_slot(reader);
		op->make_dir.path = read_string(reader);
		op->make_dir.attributes = read_attributes(reader);
		break;
	case OP_MAKE_SYMLINK:
		op->make_symlink.root = read_slot(reader);
		op->make_symlink.path = read_string(reader);
		op->make_symlink.target = read_string(reader);
		op->make_symlink.attributes = read_attributes(reader);
		break;
	case OP_MAKE_HARDLINK:
		op->make_hardlink.root = read_slot(reader);
		op->make_hardlink.path = read_string(reader);
		op->make_hardlink.target = read_string(reader);
		break;
	case OP_MAKE_NODE:
		op->make_node.root = read_slot(reader);
		op->make_node.path = read_string(reader);
		op->make_node.attributes = read_attributes(reader);
		op->make_node.major = read_u32(reader);
		op->make_node.minor = read_u32(reader);
		break;
	case OP_CLEAR_DIR:
		op->clear_dir.root = read_slot(reader);
		op->clear_dir.path = read_string(reader);
		break;
	case OP_SET_TIMES:
		op->set_times.root = read_slot(reader);
		op->set_times.path = read_string(reader);
		op->set_times.mtime = read_times(reader);
		break;
	case OP_COUNT:
		reader->bad = true;
	}
}

#endif
