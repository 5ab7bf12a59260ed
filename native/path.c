/* Paths: resolved once, by the kernel, to a file descriptor. Below a root slot nothing leads outside (RESOLVE_IN_ROOT). */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run.h"

struct fd_path path_of_fd(int fd)
{
	struct fd_path path;
	snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
	return path;
}

/* Replaces $PID in the path of a host operation. */
static const char *expand(const struct context *context, const char *path, char *buffer, size_t size)
{
	const char *found = context->pid ? strstr(path, "$PID") : NULL;
	if (!found)
		return path;
	int n = snprintf(buffer, size, "%.*s%d%s", (int)(found - path), path, (int)context->pid, found + 4);
	return n < 0 || (size_t)n >= size ? path : buffer;
}

int open_path(struct context *context, uint32_t root, const char *path, uint64_t flags, uint32_t mode)
{
	char buffer[4096];
	path = expand(context, path, buffer, sizeof(buffer));
	struct open_how how = { .flags = flags | O_CLOEXEC };
	if (flags & O_CREAT)
		how.mode = mode;
	int directory = AT_FDCWD;
	if (root != SLOT_NONE) {
		how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
		directory = slot_fd(root);
		if (path[0] == '\0')
			path = ".";
	}
	for (;;) {
		int fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
		if (fd >= 0)
			return fd;
		if (errno != EAGAIN && errno != EINTR) /* EAGAIN: a rename raced with ".." */
			return fail(context, "openat2");
	}
}

/* Splits into the directory part (copied) and the last component. False: too long, or not a name. */
static bool split(const char *path, char *directory, size_t size, const char **base)
{
	size_t length = strlen(path);
	const char *slash = strrchr(path, '/');
	*base = slash ? slash + 1 : path;
	size_t head = slash ? (size_t)(slash - path) : 0;
	if (length >= size || strcmp(*base, "..") == 0)
		return false;
	if (slash == path)
		head = 1;
	memcpy(directory, path, head);
	directory[head] = '\0';
	if (head == 0)
		memcpy(directory, ".", 2);
	return true;
}

int open_parent(struct context *context, uint32_t root, const char *path, const char **base)
{
	char directory[4096];
	if (!split(path, directory, sizeof(directory), base)) {
		errno = EINVAL;
		return fail(context, "openat2");
	}
	return open_path(context, root, directory, O_PATH | O_DIRECTORY, 0);
}

/* One component at a time, each opened below the one before, so that a swapped directory changes nothing outside. */
static int walk_and_make(struct context *context, uint32_t root, char *path, uint32_t mode)
{
	for (char *end = path + 1;; end++) {
		end = strchrnul(end, '/');
		char saved = *end;
		*end = '\0';
		int fd = open_path(context, root, path, O_PATH | O_DIRECTORY, 0);
		if (fd == -ENOENT) {
			const char *base;
			cleanup_fd int parent = open_parent(context, root, path, &base);
			if (parent < 0)
				return parent;
			if (mkdirat(parent, base, mode) < 0 && errno != EEXIST)
				return fail(context, "mkdirat");
			fd = open_path(context, root, path, O_PATH | O_DIRECTORY, 0);
		}
		*end = saved;
		if (fd < 0 || saved == '\0')
			return fd;
		close(fd);
	}
}

int make_directories(struct context *context, uint32_t root, const char *path, uint32_t mode)
{
	int fd = open_path(context, root, path, O_PATH | O_DIRECTORY, 0);
	if (fd != -ENOENT)
		return fd;
	size_t length = strlen(path);
	while (length > 1 && path[length - 1] == '/')
		length--;
	char copy[4096];
	if (length >= sizeof(copy)) {
		errno = ENAMETOOLONG;
		return fail(context, "openat2");
	}
	memcpy(copy, path, length);
	copy[length] = '\0';
	return walk_and_make(context, root, copy, mode);
}

int make_parent(struct context *context, uint32_t root, const char *path, const char **base)
{
	char directory[4096];
	if (!split(path, directory, sizeof(directory), base)) {
		errno = EINVAL;
		return fail(context, "openat2");
	}
	return make_directories(context, root, directory, 0755);
}

int touch_at(struct context *context, uint32_t root, const char *path, uint32_t mode)
{
	int existing = open_path(context, root, path, O_PATH, 0);
	if (existing != -ENOENT)
		return existing;
	const char *base;
	cleanup_fd int parent = make_parent(context, root, path, &base);
	if (parent < 0)
		return parent;
	int fd = openat(parent, base, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, mode);
	return fd < 0 && errno != EEXIST ? fail(context, "openat") : fd < 0 ? open_path(context, root, path, O_PATH, 0) : fd;
}

static int mount_id(int fd, uint64_t *id)
{
	struct statx found;
	if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &found) < 0)
		return -errno;
	*id = found.stx_mnt_id;
	return 0;
}

int clear_directory(struct context *context, int fd)
{
	uint64_t ours = 0;
	if (mount_id(fd, &ours) < 0)
		return fail(context, "statx");
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	if (!directory) {
		int error = fail(context, "openat");
		if (copy >= 0)
			close(copy);
		return error;
	}
	int result = 0;
	for (struct dirent *entry; result == 0 && (entry = readdir(directory));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		result = remove_tree_at(context, fd, entry->d_name);
	}
	closedir(directory);
	return result;
}

int remove_tree_at(struct context *context, int dirfd, const char *name)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return fail(context, "unlinkat");
	cleanup_fd int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail(context, "openat");
	uint64_t above = 0, here = 0;
	if (mount_id(dirfd, &above) < 0 || mount_id(fd, &here) < 0)
		return fail(context, "statx");
	if (above != here) {
		errno = EBUSY; /* never across a mount */
		return fail(context, "unlinkat");
	}
	int result = clear_directory(context, fd);
	if (result < 0)
		return result;
	return unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? fail(context, "unlinkat") : 0;
}
