/* Copies a tree of files between two directories that are open. Follows no symlink, crosses no mount, opens only regular files and directories. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "run.h"

enum { XATTR_NAMES = 64 << 10, READ_DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

static int copy_xattrs(struct context *context, int from, int to)
{
	static char names[XATTR_NAMES], value[XATTR_NAMES];
	ssize_t size = flistxattr(from, names, sizeof(names));
	if (size < 0)
		return errno == ENOTSUP ? 0 : fail(context, "flistxattr");
	for (char *name = names; name < names + size; name += strlen(name) + 1) {
		if (strncmp(name, "trusted.overlay.", 16) == 0 || strncmp(name, "user.overlay.", 13) == 0)
			continue;
		ssize_t length = fgetxattr(from, name, value, sizeof(value));
		if (length < 0 || fsetxattr(to, name, value, (size_t)length, 0) < 0)
			return fail(context, "fsetxattr");
	}
	return 0;
}

/* `from` is -1 for what has no xattrs that can be read: symlinks and nodes. */
static int copy_attributes(struct context *context, int from, int to, const struct stat *found)
{
	int result = set_owner_and_mode(context, to, found->st_uid, found->st_gid, found->st_mode);
	if (result == 0 && from >= 0)
		result = copy_xattrs(context, from, to);
	return result < 0 ? result : set_times(context, to, found->st_atim, found->st_mtim);
}

/* Shared extents where the file systems allow it: between two of them, or from an overlay, bytes are copied in the kernel. */
static int copy_content(struct context *context, int from, int to)
{
	ssize_t n;
	while ((n = copy_file_range(from, NULL, to, NULL, 1 << 30, 0)) > 0)
		;
	if (n == 0)
		return 0;
	if (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS)
		return fail(context, "copy_file_range");
	while ((n = sendfile(to, from, NULL, 1 << 30)) > 0)
		;
	return checked(context, "sendfile", n);
}

static int copy_file(struct context *context, int from_directory, int to_directory, const char *name)
{
	struct stat found;
	cleanup_fd int from = openat(from_directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (from < 0 || fstat(from, &found) < 0)
		return fail(context, "openat");
	if (!S_ISREG(found.st_mode))
		return refuse(context, "openat", EBUSY); /* it was one when it was looked at */
	cleanup_fd int to = openat(to_directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return fail(context, "openat");
	int result = copy_content(context, from, to);
	return result < 0 ? result : copy_attributes(context, from, to, &found);
}

static int copy_symlink(struct context *context, int from, int to, const char *name)
{
	char target[PATH_SIZE];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);
	if (n < 0)
		return fail(context, "readlinkat");
	target[n] = '\0';
	return checked(context, "symlinkat", symlinkat(target, to, name));
}

static int copy_special(struct context *context, int from, int to, const char *name, const struct stat *found)
{
	int result = S_ISLNK(found->st_mode) ? copy_symlink(context, from, to, name)
					     : checked(context, "mknodat", mknodat(to, name, found->st_mode, found->st_rdev));
	if (result < 0)
		return result;
	cleanup_fd int made = open_made(context, to, name);
	return made < 0 ? made : copy_attributes(context, -1, made, found);
}

static int copy_directory(struct context *context, int from, int to, const char *name, uint64_t mount);

static int copy_entry(struct context *context, int from, int to, const char *name, uint64_t mount)
{
	struct stat found;
	if (fstatat(from, name, &found, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(context, "fstatat");
	switch (found.st_mode & S_IFMT) {
	case S_IFREG:
		return copy_file(context, from, to, name);
	case S_IFDIR:
		if (mkdirat(to, name, 0700) < 0)
			return fail(context, "mkdirat");
		return copy_directory(context, from, to, name, mount);
	case S_IFSOCK:
		return 0;
	default:
		return copy_special(context, from, to, name, &found);
	}
}

/* Of a directory where something else is mounted, only itself. */
static int copy_entries(struct context *context, DIR *directory, int to, uint64_t mount)
{
	uint64_t here;
	int from = dirfd(directory);
	int result = mount_id(context, from, &here);
	if (result < 0 || here != mount)
		return result;
	for (struct dirent *entry; result == 0 && (entry = readdir(directory));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = copy_entry(context, from, to, entry->d_name, mount);
	return result;
}

/* The directory of that name in `to` is there. */
static int copy_directory(struct context *context, int from, int to, const char *name, uint64_t mount)
{
	struct stat found;
	cleanup_fd int target = openat(to, name, READ_DIRECTORY);
	if (target < 0)
		return fail(context, "openat");
	int source = openat(from, name, READ_DIRECTORY);
	DIR *directory = source < 0 ? NULL : fdopendir(source);
	if (!directory) {
		int error = fail(context, "openat");
		close_fd(&source);
		return error;
	}
	int result = copy_entries(context, directory, target, mount);
	if (result == 0)
		result = checked(context, "fstat", fstat(source, &found));
	if (result == 0)
		result = copy_attributes(context, source, target, &found);
	closedir(directory);
	return result;
}

int do_copy_tree(struct context *context, const struct op_copy_tree *op)
{
	uint64_t mount;
	struct stat before;
	int from = slot_fd(op->from), to = slot_fd(op->to);
	if (fstat(to, &before) < 0)
		return fail(context, "fstat");
	int result = mount_id(context, from, &mount);
	if (result == 0)
		result = copy_directory(context, from, to, ".", mount);
	if (result < 0 || !op->content_only)
		return result;
	return set_owner_and_mode(context, to, before.st_uid, before.st_gid, before.st_mode);
}
