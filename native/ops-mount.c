/* Operations on mounts. Targets are opened first and mounted onto by file descriptor. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "run.h"

/* Not from <sys/mount.h>, which some C libraries cannot include beside <linux/mount.h>. */
int mount(const char *, const char *, const char *, unsigned long, const void *);
int umount2(const char *, int);
enum { DETACH = 2 /* MNT_DETACH */ };

static int sys_open_tree(int directory, const char *path, unsigned flags)
{
	return (int)syscall(SYS_open_tree, directory, path, flags);
}

static int attach(struct context *context, int tree, int target)
{
	int flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
	return syscall(SYS_move_mount, tree, "", target, "", flags) < 0 ? fail(context, "move_mount") : 0;
}

static int set_attributes(struct context *context, int fd, bool recursive, const struct mount_attr *attributes)
{
	unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
	long result = syscall(SYS_mount_setattr, fd, "", flags, attributes, sizeof(*attributes));
	return result < 0 ? fail(context, "mount_setattr") : 0;
}

static int open_target(struct context *context, uint32_t root, const char *path)
{
	if (root != SLOT_NONE && path[0] == '\0') { /* the slot itself, which may be a file */
		int fd = fcntl(slot_fd(root), F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? fail(context, "fcntl") : fd;
	}
	return open_path(context, root, path, O_PATH, 0);
}

static int do_mount(struct context *context, const struct op_mount *op)
{
	struct stat covered = { 0 };
	cleanup_fd int target = open_target(context, op->root, op->target);
	if (target < 0)
		return target;
	if (op->keep_mode && fstat(target, &covered) < 0)
		return fail(context, "fstat");
	if (op->cwd[0] && chdir(op->cwd) < 0)
		return fail(context, "chdir");
	if (mount(op->source, path_of_fd(target).text, op->fstype, op->flags, op->data) < 0)
		return fail(context, "mount");
	if (!op->keep_mode)
		return 0;
	cleanup_fd int mounted = open_target(context, op->root, op->target);
	if (mounted < 0)
		return mounted;
	return chmod(path_of_fd(mounted).text, covered.st_mode & 07777) < 0 ? fail(context, "chmod") : 0;
}

/* Opens the target; makes it, as the source is, if it is missing and that is wanted. */
static int bind_target(struct context *context, int source, const char *path, uint32_t root, bool create)
{
	int target = open_target(context, root, path);
	if (target != -ENOENT || !create)
		return target;
	struct stat found;
	if (fstat(source, &found) < 0)
		return fail(context, "fstat");
	if (S_ISDIR(found.st_mode))
		return make_directories(context, root, path, 0755);
	return touch_at(context, root, path, 0644);
}

static int clone_tree(struct context *context, const char *source, uint32_t slot, bool recursive)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
	int tree = slot == SLOT_NONE ? sys_open_tree(AT_FDCWD, source, flags)
				     : sys_open_tree(slot_fd(slot), "", flags | AT_EMPTY_PATH);
	return tree < 0 ? fail(context, "open_tree") : tree;
}

static int clone_fd(struct context *context, int fd)
{
	int tree = sys_open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	return tree < 0 ? fail(context, "open_tree") : tree;
}

static int do_bind(struct context *context, const struct op_bind *op)
{
	cleanup_fd int tree = clone_tree(context, op->source, op->source_slot, op->recursive);
	if (tree < 0)
		return tree;
	cleanup_fd int target = bind_target(context, tree, op->target, op->root, op->create_target);
	return target < 0 ? target : attach(context, tree, target);
}

static int do_attach_tree(struct context *context, const struct op_attach_tree *op)
{
	int tree = slot_fd(op->slot);
	cleanup_fd int target = bind_target(context, tree, op->target, op->root, op->create_target);
	return target < 0 ? target : attach(context, tree, target);
}

static int do_mount_attr(struct context *context, const struct op_mount_attr *op)
{
	cleanup_fd int target = open_target(context, op->root, op->target);
	if (target < 0)
		return op->missing_ok && (target == -ENOENT || target == -ENOTDIR) ? 0 : target;
	struct mount_attr attributes = {
		.attr_set = op->set,
		.attr_clr = op->clear,
		.propagation = op->propagation,
	};
	if (op->userns_slot != SLOT_NONE)
		attributes.userns_fd = (uint64_t)slot_fd(op->userns_slot);
	return set_attributes(context, target, op->recursive, &attributes);
}

static int do_remount(struct context *context, const struct op_remount *op)
{
	enum { REMOUNT = 32 /* MS_REMOUNT */ };
	cleanup_fd int target = open_target(context, op->root, op->target);
	if (target < 0)
		return target;
	if (mount(NULL, path_of_fd(target).text, NULL, op->flags | REMOUNT, op->data) < 0)
		return fail(context, "mount");
	return 0;
}

static int do_pivot_root(struct context *context, const struct op_pivot_root *op)
{
	if (chdir(op->new_root) < 0)
		return fail(context, "chdir");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return fail(context, "pivot_root");
	if (umount2(".", DETACH) < 0)
		return fail(context, "umount2");
	return chdir("/") < 0 ? fail(context, "chdir") : 0;
}

/* The real /dev/null, checked: an image's own must never be bound or opened in its place. */
static int clone_null(struct context *context)
{
	int tree = clone_tree(context, "/dev/null", SLOT_NONE, false);
	struct stat found;
	if (tree < 0)
		return tree;
	if (fstat(tree, &found) < 0 || !S_ISCHR(found.st_mode) || found.st_rdev != makedev(1, 3)) {
		close(tree);
		errno = ENODEV;
		return fail(context, "open_tree");
	}
	return tree;
}

/* An empty, unwritable tmpfs; one covers every masked directory of the container. */
static int clone_empty(struct context *context)
{
	if (context->empty >= 0)
		return clone_fd(context, context->empty);
	cleanup_fd int made = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	if (made < 0)
		return fail(context, "fsopen");
	if (syscall(SYS_fsconfig, made, FSCONFIG_SET_STRING, "nr_inodes", "1", 0) < 0 ||
	    syscall(SYS_fsconfig, made, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    syscall(SYS_fsconfig, made, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail(context, "fsconfig");
	unsigned attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	int tree = (int)syscall(SYS_fsmount, made, FSMOUNT_CLOEXEC, attributes);
	if (tree < 0)
		return fail(context, "fsmount");
	context->empty = fcntl(tree, F_DUPFD_CLOEXEC, SLOT_BASE + SLOT_COUNT + 1); /* once attached, it can be cloned */
	return tree;
}

static int do_mask_path(struct context *context, const struct op_mask_path *op)
{
	struct stat found;
	cleanup_fd int target = open_target(context, op->root, op->path);
	if (target < 0)
		return target == -ENOENT || target == -ENOTDIR ? 0 : target;
	if (fstat(target, &found) < 0)
		return fail(context, "fstat");
	cleanup_fd int cover = S_ISDIR(found.st_mode) ? clone_empty(context) : clone_null(context);
	return cover < 0 ? cover : attach(context, cover, target);
}

static int do_readonly_path(struct context *context, const struct op_readonly_path *op)
{
	cleanup_fd int target = open_target(context, op->root, op->path);
	if (target < 0)
		return target == -ENOENT || target == -ENOTDIR ? 0 : target;
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE;
	cleanup_fd int tree = sys_open_tree(target, "", flags);
	if (tree < 0)
		return fail(context, "open_tree");
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
	int result = set_attributes(context, tree, true, &attributes);
	return result < 0 ? result : attach(context, tree, target);
}

static int do_open_tree(struct context *context, const struct op_open_tree *op)
{
	int tree = clone_tree(context, op->source, SLOT_NONE, op->recursive);
	return tree < 0 ? tree : move_to_slot(context, tree, op->slot);
}

int run_mount_op(struct context *context, const struct op *op)
{
	switch (op->code) {
	case OP_MOUNT:
		return do_mount(context, &op->mount);
	case OP_BIND:
		return do_bind(context, &op->bind);
	case OP_OPEN_TREE:
		return do_open_tree(context, &op->open_tree);
	case OP_ATTACH_TREE:
		return do_attach_tree(context, &op->attach_tree);
	case OP_MOUNT_ATTR:
		return do_mount_attr(context, &op->mount_attr);
	case OP_REMOUNT:
		return do_remount(context, &op->remount);
	case OP_UMOUNT:
		if (umount2(op->umount.target, (int)op->umount.flags) == 0)
			return 0;
		return op->umount.missing_ok && (errno == ENOENT || errno == EINVAL) ? 0 : fail(context, "umount2");
	case OP_PIVOT_ROOT:
		return do_pivot_root(context, &op->pivot_root);
	case OP_CHROOT:
		if (chroot(op->chroot.path) < 0)
			return fail(context, "chroot");
		return chdir("/") < 0 ? fail(context, "chdir") : 0;
	case OP_MASK_PATH:
		return do_mask_path(context, &op->mask_path);
	case OP_READONLY_PATH:
		return do_readonly_path(context, &op->readonly_path);
	default:
		return -ENOSYS;
	}
}
