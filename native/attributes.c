/* Owner, mode, extended attributes and times, always by fd: what a name leads to may have been exchanged since. An fd that was opened
 * with O_PATH only (a symlink, a node) goes by its name in /proc. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "run.h"

int open_made(struct context *context, int parent, const char *base)
{
	int fd = openat(parent, base, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? fail(context, "openat") : fd;
}

/* Owner before mode: chown clears setuid. A symlink has no mode. */
int set_owner_and_mode(struct context *context, int fd, uint32_t uid, uint32_t gid, uint32_t mode)
{
	if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		return fail(context, "fchownat");
	if (S_ISLNK(mode) || fchmod(fd, mode & 07777) == 0)
		return 0;
	return errno == EBADF ? checked(context, "chmod", chmod(path_of_fd(fd).text, mode & 07777)) : fail(context, "fchmod");
}

int set_times(struct context *context, int fd, struct timespec accessed, struct timespec modified)
{
	struct timespec times[2] = { accessed, modified };
	return checked(context, "utimensat", utimensat(fd, "", times, AT_EMPTY_PATH));
}

static int set_xattrs(struct context *context, int fd, struct list list)
{
	for (uint32_t i = 0; i < list.count; i++) {
		const char *name = read_string(&list.items);
		struct bytes value = read_bytes(&list.items);
		int result = fsetxattr(fd, name, value.data, value.size, 0);
		if (result < 0 && errno == EBADF)
			result = setxattr(path_of_fd(fd).text, name, value.data, value.size, 0);
		/* Labels of security modules that this machine lacks, user attributes on nodes: left out, as Docker does. */
		if (result < 0 && errno != ENOTSUP && errno != EPERM)
			return fail(context, "setxattr");
	}
	return 0;
}

struct timespec timespec_of(struct times times)
{
	return (struct timespec){ .tv_sec = (time_t)times.sec, .tv_nsec = (long)times.nsec };
}

/* The owner before xattrs: chown clears capabilities. Times last. */
int set_attributes(struct context *context, int fd, const struct attributes *wanted)
{
	struct timespec time = timespec_of(wanted->mtime);
	int result = set_owner_and_mode(context, fd, wanted->uid, wanted->gid, wanted->mode);
	if (result == 0)
		result = set_xattrs(context, fd, wanted->xattrs);
	return result < 0 ? result : set_times(context, fd, time, time);
}
