/* Operations that make one entry of an archive below a root. A final symlink is never followed: it is replaced. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "run.h"

void forget_parent(struct context *context)
{
	close_fd(&context->parent.fd);
}

/* The directory of `path`, made if missing. The fd stays with the context: entries come directory by directory. */
static int parent_of(struct context *context, uint32_t root, const char *path, const char **base)
{
	const char *slash = strrchr(path, '/');
	*base = slash ? slash + 1 : path;
	size_t head = slash ? (size_t)(slash - path) : 0;
	if (head >= PATH_SIZE || strcmp(*base, "..") == 0 || (*base)[0] == '\0')
		return refuse(context, "openat2", EINVAL);
	bool same = context->parent.fd >= 0 && context->parent.root == root && context->parent.path[head] == '\0' &&
		    memcmp(context->parent.path, path, head) == 0;
	if (same)
		return context->parent.fd;
	forget_parent(context);
	context->parent.fd = make_parent(context, root, path, base);
	context->parent.root = root;
	memcpy(context->parent.path, path, head);
	context->parent.path[head] = '\0';
	return context->parent.fd;
}

/* The same, with nothing in the entry's place. */
static int make_room(struct context *context, uint32_t root, const char *path, const char **base)
{
	int parent = parent_of(context, root, path, base);
	int result = parent < 0 ? parent : remove_tree_at(context, parent, *base);
	return result < 0 ? result : parent;
}

int finish_file(struct context *context)
{
	cleanup_fd int fd = context->file.fd;
	context->file.fd = -1;
	if (context->file.left != 0)
		return refuse(context, "write", EBADMSG);
	return set_attributes(context, fd, &context->file.wanted.attributes);
}

int do_make_file(struct context *context, const struct op_make_file *op)
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

int do_file_data(struct context *context, const struct op_file_data *op)
{
	if (context->file.fd < 0 || op->data.size > context->file.left)
		return refuse(context, "write", EBADMSG);
	int error = write_all(context->file.fd, op->data.data, op->data.size);
	if (error < 0)
		return refuse(context, "write", -error);
	context->file.left -= op->data.size;
	return context->file.left == 0 ? finish_file(context) : 0;
}

static bool is_root(const char *path)
{
	return path[0] == '\0' || strcmp(path, ".") == 0 || strcmp(path, "/") == 0;
}

/* Opens the directory, made if missing; something else in its place goes. */
static int open_made_directory(struct context *context, uint32_t root, const char *path)
{
	const char *base;
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (is_root(path))
		return open_path(context, root, ".", O_RDONLY | O_DIRECTORY, 0);
	int parent = parent_of(context, root, path, &base);
	if (parent < 0)
		return parent;
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

int do_make_dir(struct context *context, const struct op_make_dir *op)
{
	cleanup_fd int fd = open_made_directory(context, op->root, op->path);
	return fd < 0 ? fd : set_attributes(context, fd, &op->attributes);
}

/* Symlinks and nodes. */
static int finish_special(struct context *context, int parent, const char *base, const struct attributes *wanted)
{
	cleanup_fd int made = open_made(context, parent, base);
	return made < 0 ? made : set_attributes(context, made, wanted);
}

int do_make_symlink(struct context *context, const struct op_make_symlink *op)
{
	const char *base;
	struct attributes wanted = op->attributes;
	wanted.mode = S_IFLNK;
	int parent = make_room(context, op->root, op->path, &base);
	if (parent < 0)
		return parent;
	if (symlinkat(op->target, parent, base) < 0)
		return fail(context, "symlinkat");
	return finish_special(context, parent, base, &wanted);
}

int do_make_node(struct context *context, const struct op_make_node *op)
{
	const char *base;
	int parent = make_room(context, op->root, op->path, &base);
	if (parent < 0)
		return parent;
	if (mknodat(parent, base, op->attributes.mode, makedev(op->major, op->minor)) < 0)
		return fail(context, "mknodat");
	return finish_special(context, parent, base, &op->attributes);
}

int do_make_hardlink(struct context *context, const struct op_make_hardlink *op)
{
	const char *base;
	struct stat linked, existing;
	cleanup_fd int target = open_path(context, op->root, op->target, O_PATH | O_NOFOLLOW, 0);
	if (target < 0)
		return target;
	if (fstat(target, &linked) < 0)
		return fail(context, "fstat");
	int parent = parent_of(context, op->root, op->path, &base);
	if (parent < 0)
		return parent;
	if (fstatat(parent, base, &existing, AT_SYMLINK_NOFOLLOW) == 0) {
		if (linked.st_ino == existing.st_ino && linked.st_dev == existing.st_dev)
			return 0; /* a link to itself */
		int result = remove_tree_at(context, parent, base);
		if (result < 0)
			return result;
	}
	return checked(context, "linkat", linkat(target, "", parent, base, AT_EMPTY_PATH));
}

int do_clear_dir(struct context *context, const struct op_clear_dir *op)
{
	forget_parent(context);
	cleanup_fd int fd = open_path(context, op->root, op->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	return fd >= 0 ? clear_directory(context, fd) : fd == -ELOOP ? 0 : unless_missing(fd, true);
}

int do_set_times(struct context *context, const struct op_set_times *op)
{
	struct timespec time = timespec_of(op->mtime);
	cleanup_fd int fd = open_path(context, op->root, op->path, O_PATH | O_NOFOLLOW, 0);
	return fd < 0 ? fd : set_times(context, fd, time, time);
}
