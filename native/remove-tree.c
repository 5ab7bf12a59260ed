/* Removal of trees. A hostile one must not exhaust fds or the stack: directories below DEEPEST are first moved up to the top. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run.h"

enum { DEEPEST = 64, ENTRIES = 2048 };

struct removal {
	struct context *context;
	int top; /* the directory that is removed or emptied */
	uint64_t mount; /* where it lies */
	unsigned moved;
};

struct entry { /* of getdents64 */
	uint64_t inode;
	int64_t offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

int mount_id(struct context *context, int fd, uint64_t *id)
{
	struct statx found = { 0 };
	int result = statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &found);
	*id = found.stx_mnt_id;
	return checked(context, "statx", result);
}

static int remove_entries(struct removal *removal, int directory, int depth);

/* Never across a mount. */
static int empty_directory(struct removal *removal, int directory, int depth)
{
	uint64_t mount;
	int result = mount_id(removal->context, directory, &mount);
	if (result == 0 && mount != removal->mount)
		return refuse(removal->context, "unlinkat", EBUSY);
	return result < 0 ? result : remove_entries(removal, directory, depth);
}

static int remove_directory(struct removal *removal, int above, const char *name, int depth)
{
	struct context *context = removal->context;
	if (depth == DEEPEST) {
		char moved[32];
		snprintf(moved, sizeof(moved), ".gantry-removed-%u", removal->moved++);
		return checked(context, "renameat", renameat(above, name, removal->top, moved));
	}
	cleanup_fd int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0) /* neither file nor directory: it is being exchanged */
		return refuse(context, "openat", errno == ENOTDIR || errno == ELOOP ? EBUSY : errno);
	if (depth == 0)
		removal->top = fd;
	int result = empty_directory(removal, fd, depth + 1);
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
	int result = depth == 0 ? mount_id(removal->context, above, &removal->mount) : 0;
	return result < 0 ? result : remove_directory(removal, above, name, depth);
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

int clear_directory(struct context *context, int fd)
{
	struct removal removal = { .context = context, .top = fd };
	int result = mount_id(context, fd, &removal.mount);
	return result < 0 ? result : remove_entries(&removal, fd, 1);
}

int remove_tree_at(struct context *context, int directory, const char *name)
{
	struct removal removal = { .context = context };
	return remove_entry(&removal, directory, name, 0);
}
