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

struct place {
	struct context *context;
	int root; /* AT_FDCWD: the process's own */
};

static int open_path(const struct place *place, const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)(O_PATH | O_CLOEXEC | flags) };
	int fd;
	if (place->root != AT_FDCWD)
		how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
	do
		fd = (int)syscall(SYS_openat2, place->root, path[0] ? path : ".", &how, sizeof(how));
	while (fd < 0 && (errno == EAGAIN || errno == EINTR)); /* EAGAIN: a rename raced with ".." */
	return fd < 0 ? fail(place->context, "openat2") : fd;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* Makes the last component if it is missing. -ENOENT: a symlink to nothing has its name. */
static int open_or_make(const struct place *place, const char *path, uint32_t mode)
{
	char above[PATH_SIZE];
	const char *base = base_of(path);
	int flags = S_ISDIR(mode) ? O_DIRECTORY : 0, fd = open_path(place, path, flags);
	if (fd != -ENOENT)
		return fd;
	if (strcmp(base, "..") == 0)
		return refuse(place->context, "openat2", EINVAL);
	snprintf(above, sizeof(above), "%.*s", (int)(base - path), path);
	cleanup_fd int parent = open_path(place, above, O_DIRECTORY);
	if (parent < 0)
		return parent;
	if ((S_ISDIR(mode) ? mkdirat(parent, base, mode & 07777) : mknodat(parent, base, mode, 0)) < 0 && errno != EEXIST)
		return fail(place->context, S_ISDIR(mode) ? "mkdirat" : "mknodat");
	return open_path(place, path, flags);
}

/* A symlink's path becomes what it points to, with the rest behind that. False: it is none. */
static bool follow(const struct place *place, char path[PATH_SIZE], const char *rest)
{
	char link[PATH_SIZE], led[PATH_SIZE];
	cleanup_fd int fd = open_path(place, path, O_NOFOLLOW);
	ssize_t length = fd < 0 ? -1 : readlinkat(fd, "", link, sizeof(link));
	int above = length > 0 && link[0] == '/' ? 0 : (int)(base_of(path) - path);
	if (length < 0 || snprintf(led, sizeof(led), "%.*s%.*s%s", above, path, (int)length, link, rest) >= PATH_SIZE)
		return false;
	strcpy(path, led);
	return true;
}

/* A component after the other, directories that must come before made 0755. What a symlink points to is made, too: as /etc/resolv.conf
 * of many an image does to nothing. */
static int make_all(const struct place *place, char path[PATH_SIZE], uint32_t mode)
{
	char rest[PATH_SIZE];
	int links = LINKS;
	for (char *end = path + 1;; end++) {
		end = strchrnul(end, '/');
		strcpy(rest, end);
		bool last = rest[strspn(rest, "/")] == '\0';
		*end = '\0';
		int fd = open_or_make(place, path, last || S_ISDIR(mode) ? mode : S_IFDIR | 0755);
		if (fd == -ENOENT && links-- > 0 && follow(place, path, rest)) {
			end = path;
			continue;
		}
		if (fd < 0 || last)
			return fd;
		close(fd);
		strcpy(end, rest);
	}
}

/* Root, path, mode, and whether the directories above may be missing, too. An fd of what is there in the end. */
long step_make(struct machine *machine, const long a[])
{
	const struct place place = { .context = machine->context, .root = (int)a[0] };
	const char *path = (const char *)a[1];
	char copy[PATH_SIZE];
	if (strlen(path) >= sizeof(copy))
		return refuse(machine->context, "openat2", ENAMETOOLONG);
	strcpy(copy, path);
	int fd = open_or_make(&place, copy, (uint32_t)a[2]);
	return fd == -ENOENT && a[3] && copy[0] ? make_all(&place, copy, (uint32_t)a[2]) : fd;
}
