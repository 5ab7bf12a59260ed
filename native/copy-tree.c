/* Copies a tree of files between two directories that are open. Follows no symlink, crosses no mount, opens only regular files and directories. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "run.h"

enum { XATTR_NAMES = 64 << 10 };

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

static int copy_attributes(struct context *context, int from, int to, const struct stat *found)
{
	struct timespec times[2] = { found->st_atim, found->st_mtim };
	if (fchown(to, found->st_uid, found->st_gid) < 0)
		return fail(context, "fchown");
	if (fchmod(to, found->st_mode & 07777) < 0)
		return fail(context, "fchmod");
	int result = copy_xattrs(context, from, to);
	if (result < 0)
		return result;
	return futimens(to, times) < 0 ? fail(context, "futimens") : 0;
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
	return n < 0 ? fail(context, "sendfile") : 0;
}

static int copy_file(struct context *context, int from_directory, int to_directory, const char *name, const struct stat *found)
{
	cleanup_fd int from = openat(from_directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (from < 0)
		return fail(context, "openat");
	cleanup_fd int to = openat(to_directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return fail(context, "openat");
	int result = copy_content(context, from, to);
	return result < 0 ? result : copy_attributes(context, from, to, found);
}

static int copy_symlink(struct context *context, int from, int to, const char *name, const struct stat *found)
{
	char target[4096];
	struct timespec times[2] = { found->st_atim, found->st_mtim };
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);
	if (n < 0)
		return fail(context, "readlinkat");
	target[n] = '\0';
	if (symlinkat(target, to, name) < 0)
		return fail(context, "symlinkat");
	if (fchownat(to, name, found->st_uid, found->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(context, "fchownat");
	return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? fail(context, "utimensat") : 0;
}

static int copy_node(struct context *context, int to, const char *name, const struct stat *found)
{
	struct timespec times[2] = { found->st_atim, found->st_mtim };
	if (mknodat(to, name, found->st_mode, found->st_rdev) < 0)
		return fail(context, "mknodat");
	if (fchownat(to, name, found->st_uid, found->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(context, "fchownat");
	if (fchmodat(to, name, found->st_mode & 07777, 0) < 0)
		return fail(context, "fchmodat");
	return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? fail(context, "utimensat") : 0;
}

static int copy_directory(struct context *context, int from_directory, int to_directory, const char *name)
{
	cleanup_fd int from = openat(from_directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0)
		return fail(context, "openat");
	if (mkdirat(to_directory, name, 0700) < 0)
		return fail(context, "mkdirat");
	cleanup_fd int to = openat(to_directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return to < 0 ? fail(context, "openat") : copy_tree(context, from, to);
}

static int copy_entry(struct context *context, int from, int to, const char *name)
{
	struct stat found;
	if (fstatat(from, name, &found, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(context, "fstatat");
	switch (found.st_mode & S_IFMT) {
	case S_IFREG:
		return copy_file(context, from, to, name, &found);
	case S_IFDIR:
		return copy_directory(context, from, to, name);
	case S_IFLNK:
		return copy_symlink(context, from, to, name, &found);
	case S_IFSOCK:
		return 0;
	default:
		return copy_node(context, to, name, &found);
	}
}

int copy_tree(struct context *context, int from, int to)
{
	struct stat found;
	int source = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int target = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = source < 0 ? NULL : fdopendir(source);
	if (!directory || target < 0 || fstat(source, &found) < 0) {
		int error = fail(context, "openat");
		if (directory)
			closedir(directory);
		return error;
	}
	int result = 0;
	for (struct dirent *entry; result == 0 && (entry = readdir(directory));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = copy_entry(context, source, target, entry->d_name);
	if (result == 0)
		result = copy_attributes(context, source, target, &found);
	closedir(directory);
	return result;
}
