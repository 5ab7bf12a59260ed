/* Paths: resolved once, by the kernel, to a file descriptor. Below a root slot nothing leads outside (RESOLVE_IN_ROOT). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
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

/* Replaces $PID in the path of a host operation. NULL: too long. */
static const char *expand(const struct context *context, const char *path, char *buffer)
{
	const char *found = context->pid ? strstr(path, "$PID") : NULL;
	if (!found)
		return path;
	int n = snprintf(buffer, PATH_SIZE, "%.*s%d%s", (int)(found - path), path, (int)context->pid, found + 4);
	return n < 0 || n >= PATH_SIZE ? NULL : buffer;
}

int open_path(struct context *context, uint32_t root, const char *path, uint64_t flags, uint32_t mode)
{
	char buffer[PATH_SIZE];
	struct open_how how = { .flags = flags | O_CLOEXEC, .mode = flags & O_CREAT ? mode : 0 };
	int directory = AT_FDCWD;
	path = expand(context, path, buffer);
	if (!path)
		return refuse(context, "openat2", ENAMETOOLONG);
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
static bool split(const char *path, char directory[PATH_SIZE], const char **base)
{
	const char *slash = strrchr(path, '/');
	*base = slash ? slash + 1 : path;
	if (strlen(path) >= PATH_SIZE || strcmp(*base, "..") == 0)
		return false;
	size_t head = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;
	memcpy(directory, head > 0 ? path : ".", head > 0 ? head : 1);
	directory[head > 0 ? head : 1] = '\0';
	return true;
}

int open_parent(struct context *context, uint32_t root, const char *path, const char **base)
{
	char directory[PATH_SIZE];
	if (!split(path, directory, base))
		return refuse(context, "openat2", EINVAL);
	return open_path(context, root, directory, O_PATH | O_DIRECTORY, 0);
}

int make_parent(struct context *context, uint32_t root, const char *path, const char **base)
{
	char directory[PATH_SIZE];
	if (!split(path, directory, base))
		return refuse(context, "openat2", EINVAL);
	return make_path(context, root, directory, S_IFDIR | 0755);
}

enum { LINKS = 40 }; /* as many as the kernel follows */

static int make_within(struct context *context, uint32_t root, const char *path, uint32_t mode, int links);

static int open_existing(struct context *context, uint32_t root, const char *path, uint32_t mode)
{
	return open_path(context, root, path, S_ISDIR(mode) ? O_PATH | O_DIRECTORY : O_PATH, 0);
}

/* Where the symlink `base` of `path`'s directory points to, as a path of the same root. False: it is none. */
static bool follow(int parent, const char *path, const char *base, char target[PATH_SIZE])
{
	char link[PATH_SIZE];
	ssize_t length = readlinkat(parent, base, link, sizeof(link) - 1);
	if (length < 0)
		return false;
	link[length] = '\0';
	int head = link[0] == '/' ? 0 : (int)(base - path);
	int written = snprintf(target, PATH_SIZE, "%.*s%s", head, path, link);
	return written >= 0 && written < PATH_SIZE;
}

/* The last component, or what a symlink of that name points to. */
static int make_last(struct context *context, uint32_t root, const char *path, uint32_t mode, int links)
{
	const char *base;
	char target[PATH_SIZE];
	cleanup_fd int parent = open_parent(context, root, path, &base);
	if (parent < 0)
		return parent;
	if ((S_ISDIR(mode) ? mkdirat(parent, base, mode & 07777) : mknodat(parent, base, mode, 0)) < 0 && errno != EEXIST)
		return fail(context, S_ISDIR(mode) ? "mkdirat" : "mknodat");
	int fd = open_existing(context, root, path, mode);
	if (fd != -ENOENT || links == 0 || !follow(parent, path, base, target))
		return fd;
	return make_within(context, root, target, mode, links - 1);
}

/* One component at a time, each opened below the one before, so that a swapped directory changes nothing outside. */
static int make_within(struct context *context, uint32_t root, const char *path, uint32_t mode, int links)
{
	char copy[PATH_SIZE];
	size_t length = strlen(path);
	int fd = open_existing(context, root, path, mode);
	if (fd != -ENOENT || length == 0)
		return fd;
	if (length >= sizeof(copy))
		return refuse(context, "openat2", ENAMETOOLONG);
	while (length > 1 && path[length - 1] == '/')
		length--;
	memcpy(copy, path, length);
	copy[length] = '\0';
	for (char *end = copy + 1;; *end++ = '/') {
		end = strchrnul(end, '/');
		bool last = *end == '\0';
		uint32_t wanted = last || S_ISDIR(mode) ? mode : S_IFDIR | 0755;
		*end = '\0';
		fd = open_existing(context, root, copy, wanted);
		if (fd == -ENOENT)
			fd = make_last(context, root, copy, wanted, links);
		if (fd < 0 || last)
			return fd;
		close(fd);
	}
}

int make_path(struct context *context, uint32_t root, const char *path, uint32_t mode)
{
	return make_within(context, root, path, mode, LINKS);
}

int make_entry(struct context *context, uint32_t root, const char *path, uint32_t mode)
{
	return make_last(context, root, path, mode, 0);
}
