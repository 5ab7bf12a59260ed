/* Trees of files, removed or copied: never through a symlink, never across a mount. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "run.h"

enum { ENTRIES = 2048, DEEPEST = 64, DEEPEST_COPY = 2000, XATTRS = 64 << 10, DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

struct walk {
	struct context *context;
	uint64_t mount; /* where it began */
	/* Of a removal. A hostile tree must not exhaust fds or the stack: directories below DEEPEST are first moved up to the top. */
	int top, depth;
	unsigned moved;
};

/* The entries of a directory as they come. */
struct listing {
	_Alignas(struct dirent64) char buffer[ENTRIES];
	ssize_t size, at;
};

static int mount_id(struct context *context, int fd, uint64_t *id)
{
	struct statx found = { 0 };
	int result = statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &found);
	*id = found.stx_mnt_id;
	return checked(context, "statx", result);
}

/* 1: on the mount where the walk began, 0: not. */
static int same_mount(struct walk *walk, int fd)
{
	uint64_t mount;
	int result = mount_id(walk->context, fd, &mount);
	return result < 0 ? result : mount == walk->mount;
}

/* 1: there is a next one, 0: not. */
static int next_entry(struct walk *walk, int directory, struct listing *listing, const char **name)
{
	do {
		if (listing->at == listing->size) {
			listing->at = 0;
			listing->size = getdents64(directory, listing->buffer, sizeof(listing->buffer));
			if (listing->size <= 0)
				return checked(walk->context, "getdents64", listing->size);
		}
		const struct dirent64 *entry = (const void *)(listing->buffer + listing->at);
		listing->at += entry->d_reclen;
		*name = entry->d_name;
	} while (strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0);
	return 1;
}

static int remove_entry(struct walk *walk, int above, const char *name);

/* Until a pass sees nothing: a directory that changes while it is read may hide entries. */
static int remove_entries(struct walk *walk, int directory)
{
	const char *name;
	int result, seen;
	do {
		struct listing listing;
		listing.size = listing.at = seen = 0;
		lseek(directory, 0, SEEK_SET);
		while ((result = next_entry(walk, directory, &listing, &name)) > 0) {
			seen = 1;
			if ((result = remove_entry(walk, directory, name)) < 0)
				return result;
		}
	} while (result == 0 && seen);
	return result;
}

static int remove_directory(struct walk *walk, int above, const char *name)
{
	struct context *context = walk->context;
	if (walk->depth == DEEPEST) {
		char moved[32];
		snprintf(moved, sizeof(moved), ".gantry-removed-%u", walk->moved++);
		return checked(context, "renameat", renameat(above, name, walk->top, moved));
	}
	cleanup_fd int fd = openat(above, name, DIRECTORY);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0) /* neither file nor directory: it is being exchanged */
		return refuse(context, "openat", errno == ENOTDIR || errno == ELOOP ? EBUSY : errno);
	if (walk->depth == 0)
		walk->top = fd;
	int result = same_mount(walk, fd);
	if (result <= 0)
		return result < 0 ? result : refuse(context, "unlinkat", EBUSY);
	walk->depth++;
	result = remove_entries(walk, fd);
	walk->depth--;
	if (result < 0)
		return result;
	return unlinkat(above, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? fail(context, "unlinkat") : 0;
}

static int remove_entry(struct walk *walk, int above, const char *name)
{
	if (unlinkat(above, name, 0) == 0 || errno == ENOENT)
		return 0;
	return errno == EISDIR || errno == EPERM ? remove_directory(walk, above, name) : fail(walk->context, "unlinkat");
}

/* An entry of a directory and all below; with an empty name only all below. Absent is success. */
long step_remove(struct machine *machine, const long a[])
{
	const char *name = (const char *)a[1];
	int directory = (int)a[0];
	struct walk walk = { .context = machine->context, .top = directory, .depth = name[0] ? 0 : 1 };
	int result = mount_id(machine->context, directory, &walk.mount);
	if (result < 0)
		return result;
	return name[0] ? remove_entry(&walk, directory, name) : remove_entries(&walk, directory);
}

static int copy_xattrs(struct context *context, int from, int to)
{
	static char names[XATTRS], value[XATTRS];
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

/* The owner first: chown clears setuid and capabilities. `from` is -1 for what has no xattrs that can be read: symlinks and nodes. */
static int copy_attributes(struct context *context, int from, int to, const struct stat *found)
{
	struct timespec times[2] = { found->st_atim, found->st_mtim };
	if (fchownat(to, "", found->st_uid, found->st_gid, AT_EMPTY_PATH) < 0)
		return fail(context, "fchownat");
	mode_t mode = found->st_mode & 07777;
	if (!S_ISLNK(found->st_mode) && fchmod(to, mode) < 0 && (errno != EBADF || chmod(path_of_fd(to).text, mode) < 0))
		return fail(context, "chmod");
	int result = from < 0 ? 0 : copy_xattrs(context, from, to);
	return result < 0 ? result : checked(context, "utimensat", utimensat(to, "", times, AT_EMPTY_PATH));
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

static int copy_entry(struct walk *walk, int from, int to, const char *name);

/* Of a directory where something else is mounted, only itself. */
static int copy_entries(struct walk *walk, int from, int to)
{
	struct listing listing;
	const char *name;
	int result = walk->depth > DEEPEST_COPY ? refuse(walk->context, "openat", ELOOP) : same_mount(walk, from);
	listing.size = listing.at = 0;
	walk->depth++;
	while (result > 0 && (result = next_entry(walk, from, &listing, &name)) > 0)
		if ((result = copy_entry(walk, from, to, name)) == 0)
			result = 1;
	walk->depth--;
	return result;
}

static int make_special(struct context *context, int from, int to, const char *name, const struct stat *found)
{
	char target[PATH_SIZE];
	if (!S_ISLNK(found->st_mode))
		return checked(context, "mknodat", mknodat(to, name, found->st_mode, found->st_rdev));
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);
	if (n < 0)
		return fail(context, "readlinkat");
	target[n] = '\0';
	return checked(context, "symlinkat", symlinkat(target, to, name));
}

/* Opens only regular files and directories; looks at what it opened, which may be another by then. */
static int copy_entry(struct walk *walk, int from, int to, const char *name)
{
	struct context *context = walk->context;
	struct stat found;
	if (fstatat(from, name, &found, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(context, "fstatat");
	mode_t type = found.st_mode & S_IFMT;
	bool content = type == S_IFREG || type == S_IFDIR;
	cleanup_fd int source = content ? openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
	if (content && (source < 0 || fstat(source, &found) < 0))
		return fail(context, "openat");
	if ((found.st_mode & S_IFMT) != type)
		return refuse(context, "openat", EBUSY);
	int result = type == S_IFSOCK || type == S_IFREG ? 0
		     : type == S_IFDIR			 ? checked(context, "mkdirat", mkdirat(to, name, 0700))
							 : make_special(context, from, to, name, &found);
	if (result < 0 || type == S_IFSOCK)
		return result;
	int flags = type == S_IFDIR ? DIRECTORY : type == S_IFREG ? O_WRONLY | O_CREAT | O_EXCL : O_PATH;
	cleanup_fd int made = openat(to, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (made < 0)
		return fail(context, "openat");
	if (content)
		result = type == S_IFREG ? copy_content(context, source, made) : copy_entries(walk, source, made);
	return result < 0 ? result : copy_attributes(context, source, made, &found);
}

/* From one directory to another: what is in it and, unless only that is wanted, its attributes. */
long step_copy(struct machine *machine, const long a[])
{
	struct walk walk = { .context = machine->context };
	struct stat found;
	cleanup_fd int from = openat((int)a[0], ".", DIRECTORY), to = openat((int)a[1], ".", DIRECTORY);
	if (from < 0 || to < 0 || fstat(a[2] ? to : from, &found) < 0)
		return fail(walk.context, "openat");
	int result = mount_id(walk.context, from, &walk.mount);
	if (result == 0)
		result = copy_entries(&walk, from, to);
	return result < 0 ? result : copy_attributes(walk.context, a[2] ? -1 : from, to, &found);
}
