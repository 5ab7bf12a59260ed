/* Operations that make one entry of an archive below a root. A final symlink is never followed: it is replaced. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "run.h"

static void forget_parent(struct context *context)
{
	close_fd(&context->parent.fd);
	context->parent.fd = -1;
}

/* The directory of `path`, made if missing. The fd stays with the context: entries come directory by directory. */
static int parent_of(struct context *context, uint32_t root, const char *path, const char **base)
{
	const char *slash = strrchr(path, '/');
	*base = slash ? slash + 1 : path;
	size_t head = slash ? (size_t)(slash - path) : 0;
	if (head >= sizeof(context->parent.path) || strcmp(*base, "..") == 0 || (*base)[0] == '\0') {
		errno = EINVAL;
		return fail(context, "openat2");
	}
	if (context->parent.fd >= 0 && context->parent.root == root && strncmp(context->parent.path, path, head) == 0 && context->parent.path[head] == '\0')
		return context->parent.fd;
	forget_parent(context);
	int fd = make_parent(context, root, path, base);
	if (fd < 0)
		return fd;
	memcpy(context->parent.path, path, head);
	context->parent.path[head] = '\0';
	context->parent.fd = fd;
	context->parent.root = root;
	return fd;
}

/* By fd for what can be opened, by path for symlinks and nodes. */
static int set_xattrs(struct context *context, int fd, const char *path, struct list list)
{
	for (uint32_t i = 0; i < list.count; i++) {
		const char *name = read_string(&list.items);
		struct bytes value = read_bytes(&list.items);
		int result = path ? lsetxattr(path, name, value.data, value.size, 0)
				  : fsetxattr(fd, name, value.data, value.size, 0);
		/* Labels of security modules that this machine lacks, user attributes on nodes: left out, as Docker does. */
		if (result < 0 && errno != ENOTSUP && errno != EPERM)
			return fail(context, "setxattr");
	}
	return 0;
}

static void fill_times(struct timespec both[2], struct times times)
{
	both[0] = both[1] = (struct timespec){ .tv_sec = (time_t)times.sec, .tv_nsec = (long)times.nsec };
}

/* Owner before mode (chown clears setuid) and before xattrs (it clears capabilities too); times last. */
static int apply_to_fd(struct context *context, int fd, const struct attributes *wanted)
{
	if (fchown(fd, wanted->uid, wanted->gid) < 0)
		return fail(context, "fchown");
	if (fchmod(fd, wanted->mode & 07777) < 0)
		return fail(context, "fchmod");
	int result = set_xattrs(context, fd, NULL, wanted->xattrs);
	if (result < 0)
		return result;
	struct timespec times[2];
	fill_times(times, wanted->mtime);
	return futimens(fd, times) < 0 ? fail(context, "futimens") : 0;
}

/* For what cannot be opened: symlinks and nodes. */
static int apply_to_name(struct context *context, int parent, const char *base, const struct attributes *wanted)
{
	char path[4200];
	if (fchownat(parent, base, wanted->uid, wanted->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(context, "fchownat");
	if ((wanted->mode & S_IFMT) != S_IFLNK && fchmodat(parent, base, wanted->mode & 07777, 0) < 0)
		return fail(context, "fchmodat");
	snprintf(path, sizeof(path), "%s/%s", path_of_fd(parent).text, base);
	int result = set_xattrs(context, -1, path, wanted->xattrs);
	if (result < 0)
		return result;
	struct timespec times[2];
	fill_times(times, wanted->mtime);
	if (utimensat(parent, base, times, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(context, "utimensat");
	return 0;
}

int finish_file(struct context *context)
{
	struct open_file file = context->file;
	context->file.fd = -1;
	int result = 0;
	if (file.left != 0) {
		errno = EBADMSG;
		result = fail(context, "write");
	} else {
		result = apply_to_fd(context, file.fd, &file.wanted.attributes);
	}
	close(file.fd);
	return result;
}

static int do_make_file(struct context *context, const struct op_make_file *op)
{
	const char *base;
	int parent = parent_of(context, op->root, op->path, &base);
	if (parent < 0)
		return parent;
	int flags = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(parent, base, flags, 0600);
	if (fd < 0 && errno == EEXIST) {
		int result = remove_tree_at(context, parent, base);
		if (result < 0)
			return result;
		fd = openat(parent, base, flags, 0600);
	}
	if (fd < 0)
		return fail(context, "openat");
	context->file = (struct open_file){ .fd = fd, .left = op->size, .wanted = *op };
	return op->size == 0 ? finish_file(context) : 0;
}

static int do_file_data(struct context *context, struct bytes data)
{
	if (context->file.fd < 0 || data.size > context->file.left) {
		errno = EBADMSG;
		return fail(context, "write");
	}
	for (uint32_t done = 0; done < data.size;) {
		ssize_t n = write(context->file.fd, data.data + done, data.size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(context, "write");
		done += (uint32_t)n;
	}
	context->file.left -= data.size;
	return context->file.left == 0 ? finish_file(context) : 0;
}

static bool is_root(const char *path)
{
	return path[0] == '\0' || strcmp(path, ".") == 0 || strcmp(path, "/") == 0;
}

/* Opens the directory, made if missing; something else in its place goes. */
static int open_made_directory(struct context *context, uint32_t root, const char *path)
{
	if (is_root(path))
		return open_path(context, root, ".", O_RDONLY | O_DIRECTORY, 0);
	const char *base;
	int parent = parent_of(context, root, path, &base);
	if (parent < 0)
		return parent;
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (mkdirat(parent, base, 0700) < 0 && errno != EEXIST)
		return fail(context, "mkdirat");
	int fd = openat(parent, base, flags);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
		int result = remove_tree_at(context, parent, base);
		if (result < 0)
			return result;
		if (mkdirat(parent, base, 0700) < 0)
			return fail(context, "mkdirat");
		fd = openat(parent, base, flags);
	}
	return fd < 0 ? fail(context, "openat") : fd;
}

static int do_make_dir(struct context *context, const struct op_make_dir *op)
{
	cleanup_fd int fd = open_made_directory(context, op->root, op->path);
	return fd < 0 ? fd : apply_to_fd(context, fd, &op->attributes);
}

static int do_make_symlink(struct context *context, const struct op_make_symlink *op)
{
	const char *base;
	struct attributes wanted = op->attributes;
	wanted.mode = S_IFLNK;
	int parent = parent_of(context, op->root, op->path, &base);
	if (parent < 0)
		return parent;
	int result = remove_tree_at(context, parent, base);
	if (result < 0)
		return result;
	if (symlinkat(op->target, parent, base) < 0)
		return fail(context, "symlinkat");
	return apply_to_name(context, parent, base, &wanted);
}

static int do_make_hardlink(struct context *context, const struct op_make_hardlink *op)
{
	const char *base;
	cleanup_fd int target = open_path(context, op->root, op->target, O_PATH | O_NOFOLLOW, 0);
	if (target < 0)
		return target;
	int parent = parent_of(context, op->root, op->path, &base);
	if (parent < 0)
		return parent;
	struct stat linked, existing;
	if (fstat(target, &linked) < 0)
		return fail(context, "fstat");
	if (fstatat(parent, base, &existing, AT_SYMLINK_NOFOLLOW) == 0) {
		if (linked.st_ino == existing.st_ino && linked.st_dev == existing.st_dev)
			return 0; /* a link to itself */
		int result = remove_tree_at(context, parent, base);
		if (result < 0)
			return result;
	}
	return linkat(target, "", parent, base, AT_EMPTY_PATH) < 0 ? fail(context, "linkat") : 0;
}

static int do_make_node(struct context *context, const struct op_make_node *op)
{
	const char *base;
	int parent = parent_of(context, op->root, op->path, &base);
	if (parent < 0)
		return parent;
	int result = remove_tree_at(context, parent, base);
	if (result < 0)
		return result;
	if (mknodat(parent, base, op->attributes.mode, makedev(op->major, op->minor)) < 0)
		return fail(context, "mknodat");
	return apply_to_name(context, parent, base, &op->attributes);
}

static int do_clear_dir(struct context *context, const struct op_clear_dir *op)
{
	forget_parent(context);
	cleanup_fd int fd = open_path(context, op->root, is_root(op->path) ? "." : op->path,
				      O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ? 0 : fd;
	return clear_directory(context, fd);
}

static int do_set_times(struct context *context, const struct op_set_times *op)
{
	struct timespec times[2];
	fill_times(times, op->mtime);
	if (is_root(op->path)) {
		cleanup_fd int fd = open_path(context, op->root, ".", O_RDONLY | O_DIRECTORY, 0);
		return fd < 0 ? fd : futimens(fd, times) < 0 ? fail(context, "futimens") : 0;
	}
	const char *base;
	int parent = parent_of(context, op->root, op->path, &base);
	if (parent < 0)
		return parent;
	return utimensat(parent, base, times, AT_SYMLINK_NOFOLLOW) < 0 ? fail(context, "utimensat") : 0;
}

/* The parent that is remembered may be below what an entry replaced. */
static int forgetting(struct context *context, int result)
{
	forget_parent(context);
	return result;
}

int run_archive_op(struct context *context, const struct op *op)
{
	switch (op->code) {
	case OP_MAKE_FILE:
		return do_make_file(context, &op->make_file);
	case OP_FILE_DATA:
		return do_file_data(context, op->file_data.data);
	case OP_MAKE_DIR:
		return do_make_dir(context, &op->make_dir);
	case OP_MAKE_SYMLINK:
		return forgetting(context, do_make_symlink(context, &op->make_symlink));
	case OP_MAKE_HARDLINK:
		return do_make_hardlink(context, &op->make_hardlink);
	case OP_MAKE_NODE:
		return forgetting(context, do_make_node(context, &op->make_node));
	case OP_CLEAR_DIR:
		return do_clear_dir(context, &op->clear_dir);
	case OP_COPY_TREE:
		return copy_tree(context, slot_fd(op->copy_tree.from), slot_fd(op->copy_tree.to));
	case OP_SET_TIMES:
		return do_set_times(context, &op->set_times);
	default:
		return -ENOSYS;
	}
}
