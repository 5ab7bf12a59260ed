/* Paths: resolved once, by the kernel, to a file descriptor. Below a root slot nothing leads outside (RESOLVE_IN_ROOT). */
#define _GNU_SOURCE
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

enum { LINKS = 40 }; /* as many as the kernel follows */

static int make_path(struct context *context, uint32_t root, const char *path, uint32_t mode, int links);

/* Where the symlink `base` of `path`'s directory points to, as a path of the same root. False: it is none. */
static bool follow(int parent, const char *path, const char *base, char *target, size_t size)
{
	char link[4096];
	ssize_t length = readlinkat(parent, base, link, sizeof(link) - 1);
	if (length < 0)
		return false;
	link[length] = '\0';
	int head = link[0] == '/' ? 0 : (int)(base - path);
	int written = snprintf(target, size, "%.*s%s", head, path, link);
	return written >= 0 && (size_t)written < size;
}

/* The last component: a directory of that name, or where a symlink of that name points to. */
static int make_last(struct context *context, uint32_t root, const char *path, uint32_t mode, int links)
{
	const char *base;
	char target[4096];
	cleanup_fd int parent = open_parent(context, root, path, &base);
	if (parent < 0)
		return parent;
	if (mkdirat(parent, base, mode) < 0 && errno != EEXIST)
		return fail(context, "mkdirat");
	int fd = open_path(context, root, path, O_PATH | O_DIRECTORY, 0);
	if (fd != -ENOENT || links == 0 || !follow(parent, path, base, target, sizeof(target)))
		return fd;
	return make_path(context, root, target, mode, links - 1);
}

/* One component at a time, each opened below the one before, so that a swapped directory changes nothing outside. */
static int walk_and_make(struct context *context, uint32_t root, char *path, uint32_t mode, int links)
{
	for (char *end = path + 1;; end++) {
		end = strchrnul(end, '/');
		char saved = *end;
		*end = '\0';
		int fd = open_path(context, root, path, O_PATH | O_DIRECTORY, 0);
		if (fd == -ENOENT)
			fd = make_last(context, root, path, mode, links);
		*end = saved;
		if (fd < 0 || saved == '\0')
			return fd;
		close(fd);
	}
}

static int make_path(struct context *context, uint32_t root, const char *path, uint32_t mode, int links)
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
	return walk_and_make(context, root, copy, mode, links);
}

int make_directories(struct context *context, uint32_t root, const char *path, uint32_t mode)
{
	return make_path(context, root, path, mode, LINKS);
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

/* A symlink to a file that is missing makes the file where it points to, as /etc/resolv.conf of many an image does. */
static int touch_path(struct context *context, uint32_t root, const char *path, uint32_t mode, int links)
{
	int existing = open_path(context, root, path, O_PATH, 0);
	if (existing != -ENOENT)
		return existing;
	const char *base;
	char target[4096];
	cleanup_fd int parent = make_parent(context, root, path, &base);
	if (parent < 0)
		return parent;
	int fd = openat(parent, base, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd >= 0)
		return fd;
	if (errno != EEXIST)
		return fail(context, "openat");
	fd = open_path(context, root, path, O_PATH, 0);
	if (fd != -ENOENT || links == 0 || !follow(parent, path, base, target, sizeof(target)))
		return fd;
	return touch_path(context, root, target, mode, links - 1);
}

int touch_at(struct context *context, uint32_t root, const char *path, uint32_t mode)
{
	return touch_path(context, root, path, mode, LINKS);
}

/* Removal. A hostile tree must not exhaust fds or the stack: directories below DEEPEST are first moved up to the top. */

enum { DEEPEST = 64, ENTRIES = 2048 };

struct removal {
	struct context *context;
	int top;
	uint64_t mount;
	unsigned moved;
};

struct entry { /* of getdents64 */
	uint64_t inode;
	int64_t offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

static int mount_id(struct context *context, int fd, uint64_t *id)
{
	struct statx found;
	if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &found) < 0)
		return fail(context, "statx");
	*id = found.stx_mnt_id;
	return 0;
}

static int remove_entries(struct removal *removal, int directory, int depth);

static int remove_directory(struct removal *removal, int above, const char *name, int depth)
{
	struct context *context = removal->context;
	uint64_t mount;
	if (depth == DEEPEST) {
		char moved[32];
		snprintf(moved, sizeof(moved), ".gantry-removed-%u", removal->moved++);
		return renameat(above, name, removal->top, moved) < 0 ? fail(context, "renameat") : 0;
	}
	cleanup_fd int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : fail(context, "openat");
	int result = mount_id(context, fd, &mount);
	if (result == 0 && mount != removal->mount) {
		errno = EBUSY; /* never across a mount */
		result = fail(context, "unlinkat");
	}
	if (result == 0)
		result = remove_entries(removal, fd, depth + 1);
	if (result < 0)
		return result;
	return unlinkat(above, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? fail(context, "unlinkat") : 0;
}

static int remove_entry(struct removal *removal, int above, const char *name, int depth)
{
	if (unlinkat(above, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return fail(removal->context, "unlinkat");
	return remove_directory(removal, above, name, depth);
}

/* Until a pass sees nothing: a directory that changes while it is read may hide entries. */
static int remove_entries(struct removal *removal, int directory, int depth)
{
	_Alignas(struct entry) char buffer[ENTRIES];
	bool seen = false;
	for (;;) {
		long size = syscall(SYS_getdents64, directory, buffer, sizeof(buffer));
		if (size < 0)
			return fail(removal->context, "getdents64");
		if (size == 0 && !seen)
			return 0;
		if (size == 0) {
			seen = false;
			lseek(directory, 0, SEEK_SET);
		}
		for (long at = 0; at < size;) {
			const struct entry *entry = (const void *)(buffer + at);
			at += entry->size;
			if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
				continue;
			seen = true;
			int result = remove_entry(removal, directory, entry->name, depth);
			if (result < 0)
				return result;
		}
	}
}

/* Empties the directory; it lies on the mount that `above` lies on. */
static int empty_directory(struct context *context, int directory, int above)
{
	struct removal removal = { .context = context, .top = directory };
	uint64_t mount;
	int result = mount_id(context, above, &removal.mount);
	if (result == 0)
		result = mount_id(context, directory, &mount);
	if (result == 0 && mount != removal.mount) {
		errno = EBUSY;
		result = fail(context, "unlinkat");
	}
	return result < 0 ? result : remove_entries(&removal, directory, 0);
}

int clear_directory(struct context *context, int fd)
{
	cleanup_fd int directory = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return directory < 0 ? fail(context, "openat") : empty_directory(context, directory, directory);
}

int remove_tree_at(struct context *context, int dirfd, const char *name)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return fail(context, "unlinkat");
	cleanup_fd int directory = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return fail(context, "openat");
	int result = empty_directory(context, directory, dirfd);
	if (result < 0)
		return result;
	return unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? fail(context, "unlinkat") : 0;
}
