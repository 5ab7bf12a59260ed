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

static int do_open(struct context *context, const struct op_open *op)
{
	int fd = open_path(context, op->root, op->path, op->flags, op->mode);
	return fd < 0 ? fd : move_to_slot(context, fd, op->slot);
}

static int do_mkdir(struct context *context, const struct op_mkdir *op)
{
	if (op->parents) {
		int made = make_directories(context, op->root, op->path, op->mode);
		if (made >= 0)
			close(made);
		return made < 0 ? made : 0;
	}
	const char *base;
	cleanup_fd int parent = open_parent(context, op->root, op->path, &base);
	if (parent < 0)
		return parent;
	if (mkdirat(parent, base, op->mode) == 0)
		return 0;
	if (errno != EEXIST)
		return fail(context, "mkdirat");
	cleanup_fd int existing = open_path(context, op->root, op->path, O_PATH | O_DIRECTORY, 0);
	return existing < 0 ? existing : 0;
}

static int do_touch(struct context *context, const struct op_touch *op)
{
	int fd = touch_at(context, op->root, op->path, op->mode);
	if (fd >= 0)
		close(fd);
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

static int do_write(struct context *context, const struct op_write *op)
{
	char pid[16];
	struct bytes data = expand_data(context, op->data, pid, sizeof(pid));
	uint32_t flags = (op->flags & (uint32_t)~O_ACCMODE) | O_WRONLY | O_NOCTTY;
	cleanup_fd int fd = open_path(context, op->root, op->path, flags, op->mode);
	if (fd < 0)
		return op->missing_ok && (fd == -ENOENT || fd == -ENOTDIR) ? 0 : fd;
	struct statfs found;
	if (op->fs_magic) {
		if (fstatfs(fd, &found) < 0)
			return fail(context, "fstatfs");
		if ((uint64_t)found.f_type != op->fs_magic) {
			errno = EXDEV; /* something else lies where procfs, sysfs or a cgroup should be */
			return fail(context, "fstatfs");
		}
	}
	uint32_t done = 0;
	do { /* one write for kernel files: they take a value whole */
		ssize_t n = write(fd, data.data + done, data.size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(context, "write");
		done += (uint32_t)n;
	} while (done < data.size);
	return 0;
}

static int read_small(struct context *context, int fd, uint8_t *buffer, size_t size, size_t *length)
{
	*length = 0;
	while (*length < size) {
		ssize_t n = read(fd, buffer + *length, size - *length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(context, "read");
		if (n == 0)
			break;
		*length += (size_t)n;
	}
	return 0;
}

static int do_read(struct context *context, const struct op_read *op)
{
	enum { LIMIT = 1 << 20 };
	/* Never waits for a FIFO or a device that an image put there. */
	cleanup_fd int fd = open_path(context, op->root, op->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return op->missing_ok && (fd == -ENOENT || fd == -ENOTDIR) ? 0 : fd;
	struct stat found;
	if (fstat(fd, &found) < 0)
		return fail(context, "fstat");
	if (!S_ISREG(found.st_mode)) {
		errno = EINVAL;
		return fail(context, "read");
	}
	uint8_t *buffer = malloc(LIMIT);
	if (!buffer)
		return fail(context, "malloc");
	size_t length;
	int result = read_small(context, fd, buffer, LIMIT, &length);
	if (result == 0)
		put_result(context, buffer, length);
	free(buffer);
	return result;
}

static int do_inherit_file(struct context *context, const struct op_inherit_file *op)
{
	uint8_t text[4096];
	size_t length;
	cleanup_fd int to = open_path(context, SLOT_NONE, op->to, O_RDWR, 0);
	if (to < 0)
		return to;
	int result = read_small(context, to, text, sizeof(text), &length);
	if (result < 0 || (length > 0 && text[0] != '\n'))
		return result;
	cleanup_fd int from = open_path(context, SLOT_NONE, op->from, O_RDONLY, 0);
	if (from < 0)
		return from;
	result = read_small(context, from, text, sizeof(text), &length);
	if (result < 0)
		return result;
	return pwrite(to, text, length, 0) < 0 ? fail(context, "write") : 0;
}

static int do_symlink(struct context *context, const struct op_symlink *op)
{
	const char *base;
	cleanup_fd int parent = open_parent(context, op->root, op->path, &base);
	if (parent < 0)
		return parent;
	if (symlinkat(op->target, parent, base) == 0 || (op->exists_ok && errno == EEXIST))
		return 0;
	return fail(context, "symlinkat");
}

static int do_mknod(struct context *context, const struct op_mknod *op)
{
	const char *base;
	cleanup_fd int parent = open_parent(context, op->root, op->path, &base);
	if (parent < 0)
		return parent;
	if (mknodat(parent, base, op->mode, makedev(op->major, op->minor)) < 0)
		return fail(context, "mknodat");
	if (fchownat(parent, base, op->uid, op->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(context, "fchownat");
	if ((op->mode & S_IFMT) != S_IFLNK && fchmodat(parent, base, op->mode & 07777, 0) < 0)
		return fail(context, "fchmodat");
	return 0;
}

static int do_chown(struct context *context, const struct op_chown *op)
{
	cleanup_fd int fd = open_path(context, op->root, op->path, O_PATH, 0);
	if (fd < 0)
		return fd;
	return fchownat(fd, "", op->uid, op->gid, AT_EMPTY_PATH) < 0 ? fail(context, "fchownat") : 0;
}

static int do_chmod(struct context *context, const struct op_chmod *op)
{
	cleanup_fd int fd = open_path(context, op->root, op->path, O_PATH, 0);
	if (fd < 0)
		return fd;
	return chmod(path_of_fd(fd).text, op->mode) < 0 ? fail(context, "chmod") : 0;
}

static int do_remove_tree(struct context *context, const struct op_remove_tree *op)
{
	const char *base;
	cleanup_fd int parent = open_parent(context, op->root, op->path, &base);
	if (parent < 0)
		return op->missing_ok && (parent == -ENOENT || parent == -ENOTDIR) ? 0 : parent;
	if (base[0] == '\0' || strcmp(base, ".") == 0) {
		errno = EINVAL;
		return fail(context, "unlinkat");
	}
	if (context->parent.fd >= 0) { /* it may be what goes */
		close(context->parent.fd);
		context->parent.fd = -1;
	}
	struct stat found;
	if (!op->missing_ok && fstatat(parent, base, &found, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(context, "fstatat");
	return remove_tree_at(context, parent, base);
}

static int do_syncfs(struct context *context, const struct op_syncfs *op)
{
	cleanup_fd int fd = open_path(context, SLOT_NONE, op->path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	return syncfs(fd) < 0 ? fail(context, "syncfs") : 0;
}

static int unless_missing(struct context *context, int result, const char *call, bool missing_ok)
{
	return result == 0 || (missing_ok && errno == ENOENT) ? 0 : fail(context, call);
}

int run_file_op(struct context *context, const struct op *op)
{
	switch (op->code) {
	case OP_OPEN:
		return do_open(context, &op->open);
	case OP_CLOSE:
		return close(slot_fd(op->close.slot)) == 0 ? 0 : fail(context, "close");
	case OP_MKDIR:
		return do_mkdir(context, &op->mkdir);
	case OP_TOUCH:
		return do_touch(context, &op->touch);
	case OP_WRITE:
		return do_write(context, &op->write);
	case OP_READ:
		return do_read(context, &op->read);
	case OP_INHERIT_FILE:
		return do_inherit_file(context, &op->inherit_file);
	case OP_SYMLINK:
		return do_symlink(context, &op->symlink);
	case OP_MKNOD:
		return do_mknod(context, &op->mknod);
	case OP_CHOWN:
		return do_chown(context, &op->chown);
	case OP_CHMOD:
		return do_chmod(context, &op->chmod);
	case OP_UNLINK:
		return unless_missing(context, unlink(op->unlink.path), "unlink", op->unlink.missing_ok);
	case OP_RMDIR:
		return unless_missing(context, rmdir(op->rmdir.path), "rmdir", op->rmdir.missing_ok);
	case OP_REMOVE_TREE:
		return do_remove_tree(context, &op->remove_tree);
	case OP_RENAME:
		return rename(op->rename.from, op->rename.to) < 0 ? fail(context, "rename") : 0;
	case OP_SYNCFS:
		return do_syncfs(context, &op->syncfs);
	default:
		return -ENOSYS;
	}
}
