/* Paths that are made where they are missing. Each component is opened below a root by the kernel, which lets nothing lead outside
 * (RESOLVE_IN_ROOT), so that a swapped directory changes nothing there. */
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

enum { LINKS = 40 }; /* as many as the kernel follows */

/* What is to be there: a directory or a file, as its mode says. */
struct wanted {
	struct context *context;
	int root; /* AT_FDCWD: the process's own */
	uint32_t mode;
};

static int open_path(const struct wanted *wanted, const char *path, uint32_t mode)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | (S_ISDIR(mode) ? O_DIRECTORY : 0) };
	int fd;
	if (wanted->root != AT_FDCWD)
		how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
	do
		fd = (int)syscall(SYS_openat2, wanted->root, path[0] ? path : ".", &how, sizeof(how));
	while (fd < 0 && (errno == EAGAIN || errno == EINTR)); /* EAGAIN: a rename raced with ".." */
	return fd < 0 ? fail(wanted->context, "openat2") : fd;
}

/* The directory that holds the last component. */
static int open_parent(const struct wanted *wanted, const char *path, const char *base)
{
	char directory[PATH_SIZE];
	if (strcmp(base, "..") == 0 || base - path >= PATH_SIZE)
		return refuse(wanted->context, "openat2", EINVAL);
	snprintf(directory, sizeof(directory), "%.*s", (int)(base - path), path);
	return open_path(wanted, directory, S_IFDIR);
}

/* Where the symlink `base` of `path`'s directory points to, as a path of the same root. False: it is none. */
static bool follow(int parent, const char *path, const char *base, char target[PATH_SIZE])
{
	char link[PATH_SIZE];
	ssize_t length = readlinkat(parent, base, link, sizeof(link));
	if (length < 0)
		return false;
	int head = link[0] == '/' ? 0 : (int)(base - path);
	return snprintf(target, PATH_SIZE, "%.*s%.*s", head, path, (int)length, link) < PATH_SIZE;
}

static int make_within(const struct wanted *wanted, const char *path, int links);

/* The last component, or what a symlink of that name points to: as /etc/resolv.conf of many an image does to nothing. */
static int make_last(const struct wanted *wanted, const char *path, uint32_t mode, int links)
{
	char target[PATH_SIZE];
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	cleanup_fd int parent = open_parent(wanted, path, base);
	if (parent < 0)
		return parent;
	if ((S_ISDIR(mode) ? mkdirat(parent, base, mode & 07777) : mknodat(parent, base, mode, 0)) < 0 && errno != EEXIST)
		return fail(wanted->context, S_ISDIR(mode) ? "mkdirat" : "mknodat");
	int fd = open_path(wanted, path, mode);
	if (fd != -ENOENT || links == 0 || !follow(parent, path, base, target))
		return fd;
	const struct wanted pointed = { .context = wanted->context, .root = wanted->root, .mode = mode };
	return make_within(&pointed, target, links - 1);
}

/* One component at a time, directories that must come before made 0755. */
static int make_within(const struct wanted *wanted, const char *path, int links)
{
	char copy[PATH_SIZE];
	size_t length = strlen(path);
	int fd = open_path(wanted, path, wanted->mode);
	if (fd != -ENOENT || length == 0)
		return fd;
	if (length >= sizeof(copy))
		return refuse(wanted->context, "openat2", ENAMETOOLONG);
	while (length > 1 && path[length - 1] == '/')
		length--;
	memcpy(copy, path, length);
	copy[length] = '\0';
	for (char *end = copy + 1;; *end++ = '/') {
		end = strchrnul(end, '/');
		bool last = *end == '\0';
		uint32_t mode = last || S_ISDIR(wanted->mode) ? wanted->mode : S_IFDIR | 0755;
		*end = '\0';
		fd = open_path(wanted, copy, mode);
		if (fd == -ENOENT)
			fd = make_last(wanted, copy, mode, links);
		if (fd < 0 || last)
			return fd;
		close(fd);
	}
}

/* Root, path, mode, and whether the directories above may be missing, too. An fd of what is there in the end. */
long step_make(struct machine *machine, const long a[])
{
	const struct wanted wanted = { .context = machine->context, .root = (int)a[0], .mode = (uint32_t)a[2] };
	const char *path = (const char *)a[1];
	return a[3] ? make_within(&wanted, path, LINKS) : make_last(&wanted, path, wanted.mode, 0);
}
