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

static int attach(struct context *context, int tree, int target)
{
	struct stat found;
	if (fstat(target, &found) == 0 && S_ISLNK(found.st_mode))
		return refuse(context, "move_mount", ELOOP); /* nothing is mounted on a link itself */
	int flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
	return checked(context, "move_mount", syscall(SYS_move_mount, tree, "", target, "", flags));
}

static int set_mount_attributes(struct context *context, int fd, bool recursive, const struct mount_attr *attributes)
{
	unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
	return checked(context, "mount_setattr", syscall(SYS_mount_setattr, fd, "", flags, attributes, sizeof(*attributes)));
}

static int open_target(struct context *context, uint32_t root, const char *path)
{
	if (root != SLOT_NONE && path[0] == '\0') { /* the slot itself, which may be a file */
		int fd = fcntl(slot_fd(root), F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? fail(context, "fcntl") : fd;
	}
	return open_path(context, root, path, O_PATH, 0);
}

int do_mount(struct context *context, const struct op_mount *op)
{
	cleanup_fd int target = open_target(context, op->root, op->target);
	if (target < 0)
		return target;
	if (op->cwd[0] && chdir(op->cwd) < 0)
		return fail(context, "chdir");
	return checked(context, "mount", mount(op->source, path_of_fd(target).text, op->fstype, op->flags, op->data));
}

static int configure(struct context *context, int made, unsigned command, const char *key, const char *value)
{
	return checked(context, "fsconfig", syscall(SYS_fsconfig, made, command, key, value, 0));
}

int do_new_mount(struct context *context, const struct op_new_mount *op)
{
	struct list keys = op->keys, values = op->values;
	int result = 0;
	cleanup_fd int made = (int)syscall(SYS_fsopen, op->fstype, FSOPEN_CLOEXEC);
	if (made < 0)
		return fail(context, "fsopen");
	for (uint32_t i = 0; i < keys.count && i < values.count && result == 0; i++) {
		const char *key = read_string(&keys.items), *value = read_string(&values.items);
		result = configure(context, made, value[0] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value[0] ? value : NULL);
	}
	if (result == 0)
		result = configure(context, made, FSCONFIG_CMD_CREATE, NULL, NULL);
	if (result < 0)
		return result;
	cleanup_fd int tree = (int)syscall(SYS_fsmount, made, FSMOUNT_CLOEXEC, op->attributes);
	return tree < 0 ? fail(context, "fsmount") : put_in_slot(context, tree, op->slot);
}

/* A detached copy of the mount at the path or, if that is "", of what the fd lies on. */
static int clone_tree(struct context *context, int from, const char *path, bool recursive)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
	int tree = (int)syscall(SYS_open_tree, from, path, flags);
	return tree < 0 ? fail(context, "open_tree") : tree;
}

/* The target of a tree; if it is missing and shall be made, it is made as the tree's root is. */
static int open_or_make(struct context *context, int tree, uint32_t root, const char *path, bool create)
{
	struct stat found;
	int target = open_target(context, root, path);
	if (target != -ENOENT || !create)
		return target;
	if (fstat(tree, &found) < 0)
		return fail(context, "fstat");
	return make_path(context, root, path, S_ISDIR(found.st_mode) ? S_IFDIR | 0755 : S_IFREG | 0644);
}

int do_bind(struct context *context, const struct op_bind *op)
{
	int from = op->source_slot == SLOT_NONE ? AT_FDCWD : slot_fd(op->source_slot);
	cleanup_fd int tree = clone_tree(context, from, op->source, op->recursive);
	if (tree < 0)
		return tree;
	cleanup_fd int target = open_or_make(context, tree, op->root, op->target, op->create_target);
	return target < 0 ? target : attach(context, tree, target);
}

int do_attach_tree(struct context *context, const struct op_attach_tree *op)
{
	struct stat covered;
	int tree = slot_fd(op->slot);
	cleanup_fd int target = open_or_make(context, tree, op->root, op->target, op->create_target);
	if (target < 0)
		return target;
	if (op->keep_mode && (fstat(target, &covered) < 0 || chmod(path_of_fd(tree).text, covered.st_mode & 07777) < 0))
		return fail(context, "chmod");
	return attach(context, tree, target);
}

int do_mount_attr(struct context *context, const struct op_mount_attr *op)
{
	cleanup_fd int target = open_target(context, op->root, op->target);
	if (target < 0)
		return target;
	struct mount_attr attributes = {
		.attr_set = op->set,
		.attr_clr = op->clear,
		.propagation = op->propagation,
	};
	if (op->userns_slot != SLOT_NONE)
		attributes.userns_fd = (uint64_t)slot_fd(op->userns_slot);
	return set_mount_attributes(context, target, op->recursive, &attributes);
}

int do_umount(struct context *context, const struct op_umount *op)
{
	int result = checked(context, "umount2", umount2(op->target, (int)op->flags));
	return result == -EINVAL && op->missing_ok ? 0 : result; /* not mounted */
}

int do_pivot_root(struct context *context, const struct op_pivot_root *op)
{
	if (chdir(op->new_root) < 0)
		return fail(context, "chdir");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return fail(context, "pivot_root");
	if (umount2(".", DETACH) < 0)
		return fail(context, "umount2");
	return checked(context, "chdir", chdir("/"));
}

/* The real /dev/null, checked: an image's own must never be bound or opened in its place. */
static int clone_null(struct context *context)
{
	int tree = clone_tree(context, AT_FDCWD, "/dev/null", false);
	struct stat found;
	if (tree < 0 || (fstat(tree, &found) == 0 && S_ISCHR(found.st_mode) && found.st_rdev == makedev(1, 3)))
		return tree;
	close(tree);
	return refuse(context, "open_tree", ENODEV);
}

/* An empty, unwritable tmpfs; one covers every masked directory of the container. */
static int clone_empty(struct context *context)
{
	if (context->empty >= 0)
		return clone_tree(context, context->empty, "", false);
	cleanup_fd int made = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	if (made < 0)
		return fail(context, "fsopen");
	int result = configure(context, made, FSCONFIG_SET_STRING, "nr_inodes", "1");
	if (result == 0)
		result = configure(context, made, FSCONFIG_SET_FLAG, "ro", NULL);
	if (result == 0)
		result = configure(context, made, FSCONFIG_CMD_CREATE, NULL, NULL);
	if (result < 0)
		return result;
	unsigned attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	int tree = (int)syscall(SYS_fsmount, made, FSMOUNT_CLOEXEC, attributes);
	if (tree < 0)
		return fail(context, "fsmount");
	context->empty = fcntl(tree, F_DUPFD_CLOEXEC, SLOT_BASE + SLOT_COUNT + 1); /* once attached, it can be cloned */
	return tree;
}

int do_mask_path(struct context *context, const struct op_mask_path *op)
{
	struct stat found;
	cleanup_fd int target = open_target(context, op->root, op->path);
	if (target < 0)
		return unless_missing(target, true);
	if (fstat(target, &found) < 0)
		return fail(context, "fstat");
	cleanup_fd int cover = S_ISDIR(found.st_mode) ? clone_empty(context) : clone_null(context);
	return cover < 0 ? cover : attach(context, cover, target);
}

int do_readonly_path(struct context *context, const struct op_readonly_path *op)
{
	cleanup_fd int target = open_target(context, op->root, op->path);
	if (target < 0)
		return unless_missing(target, true);
	cleanup_fd int tree = clone_tree(context, target, "", true);
	if (tree < 0)
		return tree;
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
	int result = set_mount_attributes(context, tree, true, &attributes);
	return result < 0 ? result : attach(context, tree, target);
}

int do_open_tree(struct context *context, const struct op_open_tree *op)
{
	cleanup_fd int tree = clone_tree(context, AT_FDCWD, op->source, op->recursive);
	return tree < 0 ? tree : put_in_slot(context, tree, op->slot);
}
