/* Operations on files and file descriptors. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "run.h"

int do_open(struct context *context, const struct op_open *op)
{
	cleanup_fd int fd = open_path(context, op->root, op->path, op->flags, op->mode);
	return fd < 0 ? fd : put_in_slot(context, fd, op->slot);
}

int do_mkdir(struct context *context, const struct op_mkdir *op)
{
	cleanup_fd int made = op->parents ? make_path(context, op->root, op->path, S_IFDIR | op->mode)
					  : make_entry(context, op->root, op->path, S_IFDIR | op->mode);
	return made < 0 ? made : 0;
}

int do_touch(struct context *context, const struct op_touch *op)
{
	cleanup_fd int fd = make_path(context, op->root, op->path, S_IFREG | op->mode);
	return fd < 0 ? fd : 0;
}

/* "$PID" as the whole data is the child's process id. */
static struct bytes expand_data(const struct context *context, struct bytes data, char *buffer, size_t size)
{
	if (!context->pid || data.size != 4 || memcmp(data.data, "$PID", 4) != 0)
		return data;
	int n = snprintf(buffer, size, "%d", (int)context->pid);
	return (struct bytes){ .data = (const uint8_t *)buffer, .size = (uint32_t)n };
}

int do_write(struct context *context, const struct op_write *op)
{
	char pid[16];
	struct statfs found;
	struct bytes data = expand_data(context, op->data, pid, sizeof(pid));
	uint32_t flags = (op->flags & (uint32_t)~O_ACCMODE) | O_WRONLY | O_NOCTTY;
	if (op->root != SLOT_NONE)
		flags |= O_NONBLOCK; /* never waits for a reader of a FIFO that an image put there */
	cleanup_fd int fd = open_path(context, op->root, op->path, flags, op->mode);
	if (fd < 0)
		return fd;
	if (op->fs_magic && fstatfs(fd, &found) < 0)
		return fail(context, "fstatfs");
	if (op->fs_magic && (uint64_t)found.f_type != op->fs_magic)
		return refuse(context, "fstatfs", EXDEV); /* something else lies where procfs, sysfs or a cgroup should be */
	int error = write_all(fd, data.data, data.size);
	return error < 0 ? refuse(context, "write", -error) : 0;
}

static ssize_t read_small(struct context *context, int fd, void *buffer, size_t size)
{
	size_t length = 0;
	while (length < size) {
		ssize_t n = read(fd, (char *)buffer + length, size - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(context, "read");
		if (n == 0)
			break;
		length += (size_t)n;
	}
	return (ssize_t)length;
}

int do_read(struct context *context, const struct op_read *op)
{
	enum { LIMIT = 1 << 20 };
	static uint8_t buffer[LIMIT];
	struct stat found;
	/* Never waits for a FIFO or a device that an image put there. */
	cleanup_fd int fd = open_path(context, op->root, op->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &found) < 0)
		return fail(context, "fstat");
	if (!S_ISREG(found.st_mode))
		return refuse(context, "read", EINVAL);
	ssize_t size = read_small(context, fd, buffer, sizeof(buffer));
	if (size < 0)
		return (int)size;
	put_result(context, buffer, (size_t)size);
	return 0;
}

int do_inherit_file(struct context *context, const struct op_inherit_file *op)
{
	char text[4096];
	cleanup_fd int to = open_path(context, SLOT_NONE, op->to, O_RDWR, 0);
	if (to < 0)
		return to;
	ssize_t size = read_small(context, to, text, sizeof(text));
	if (size < 0 || (size > 0 && text[0] != '\n'))
		return size < 0 ? (int)size : 0;
	cleanup_fd int from = open_path(context, SLOT_NONE, op->from, O_RDONLY, 0);
	if (from < 0)
		return from;
	size = read_small(context, from, text, sizeof(text));
	return size < 0 ? (int)size : checked(context, "write", pwrite(to, text, (size_t)size, 0));
}

int do_symlink(struct context *context, const struct op_symlink *op)
{
	const char *base;
	cleanup_fd int parent = open_parent(context, op->root, op->path, &base);
	if (parent < 0)
		return parent;
	if (symlinkat(op->target, parent, base) == 0 || (op->exists_ok && errno == EEXIST))
		return 0;
	return fail(context, "symlinkat");
}

int do_mknod(struct context *context, const struct op_mknod *op)
{
	const char *base;
	cleanup_fd int parent = open_parent(context, op->root, op->path, &base);
	if (parent < 0)
		return parent;
	struct stat found;
	dev_t device = makedev(op->major, op->minor);
	if (mknodat(parent, base, op->mode, device) < 0) {
		int error = fail(context, "mknodat");
		bool same = error == -EEXIST && fstatat(parent, base, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
			    (found.st_mode & S_IFMT) == (op->mode & S_IFMT) && (S_ISFIFO(op->mode) || found.st_rdev == device);
		return same ? 0 : error;
	}
	cleanup_fd int made = open_made(context, parent, base);
	return made < 0 ? made : set_owner_and_mode(context, made, op->uid, op->gid, op->mode);
}

int do_remove_tree(struct context *context, const struct op_remove_tree *op)
{
	const char *base;
	struct stat found;
	forget_parent(context); /* it may be what goes */
	cleanup_fd int parent = open_parent(context, op->root, op->path, &base);
	if (parent < 0)
		return parent;
	if (base[0] == '\0' || strcmp(base, ".") == 0)
		return refuse(context, "unlinkat", EINVAL);
	if (fstatat(parent, base, &found, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(context, "fstatat");
	return remove_tree_at(context, parent, base);
}
