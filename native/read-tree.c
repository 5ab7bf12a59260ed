/* Steps that tell what is in a tree of files, hostile and changing as it may be: everything is opened once, below the directory that was
 * opened before, no symlink is followed, only what is a regular file or a directory is opened for reading, and what an fd says counts. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "run.h"

enum { OUTPUT = 256 << 10, XATTR_SIZE = 64 << 10, OPEN_FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

/* u32 mode, uid, gid; u64 size; times; u64 device, inode; u32 links, major, minor */
static void put_stat(struct message *record, const struct stat *found)
{
	put_u32(record, found->st_mode);
	put_u32(record, found->st_uid);
	put_u32(record, found->st_gid);
	put_u64(record, (uint64_t)found->st_size);
	put_u64(record, (uint64_t)found->st_mtim.tv_sec);
	put_u32(record, (uint32_t)found->st_mtim.tv_nsec);
	put_u64(record, found->st_dev);
	put_u64(record, found->st_ino);
	put_u32(record, (uint32_t)found->st_nlink);
	put_u32(record, major(found->st_rdev));
	put_u32(record, minor(found->st_rdev));
}

/* Of a symlink that was opened with O_PATH; of anything else nothing. */
static void put_link(struct message *record, int fd, mode_t mode)
{
	char target[PATH_SIZE];
	ssize_t size = S_ISLNK(mode) ? readlinkat(fd, "", target, sizeof(target)) : 0;
	put_sized(record, target, size < 0 ? 0 : (size_t)size);
}

/* A list of (bytes name, bytes value); what goes away meanwhile is left out. By the name in /proc: the fd may be one of O_PATH. */
static void put_xattrs(struct message *record, int fd, mode_t mode)
{
	static char names[XATTR_SIZE], value[XATTR_SIZE];
	bool readable = S_ISREG(mode) || S_ISDIR(mode);
	struct fd_path path = path_of_fd(fd);
	ssize_t size = readable ? listxattr(path.text, names, sizeof(names)) : 0;
	size_t at = record->size;
	uint32_t count = 0;
	put_u32(record, 0);
	for (char *name = names; size > 0 && name < names + size; name += strlen(name) + 1) {
		ssize_t length = getxattr(path.text, name, value, sizeof(value));
		if (length < 0)
			continue;
		put_sized(record, name, strlen(name));
		put_sized(record, value, (size_t)length);
		count++;
	}
	if (!record->failed)
		memcpy(record->data + at, &count, sizeof(count));
}

/* A record of what the fd is, without content, is a result. */
long step_stat(struct machine *machine, const long a[])
{
	struct context *context = machine->context;
	struct stat found;
	struct message record = { 0 };
	int fd = (int)a[0];
	if (fstat(fd, &found) < 0)
		return fail(context, "fstat");
	put_stat(&record, &found);
	put_sized(&record, "", 0);
	put_link(&record, fd, found.st_mode);
	put_xattrs(&record, fd, found.st_mode);
	put_u32(&record, 0);
	if (!record.failed)
		put_result(context, record.data, record.size);
	int result = record.failed ? refuse(context, "malloc", ENOMEM) : 0;
	free_message(&record);
	return result;
}

struct inode {
	uint64_t device, number;
};

struct walk {
	struct context *context;
	bool content;
	struct message record;
	char path[PATH_SIZE]; /* of the entry, from the top; "" is that */
	size_t length;
	void *seen; /* files with several names, whose content was sent: a tree of struct inode */
	size_t used; /* of the output */
	uint8_t output[OUTPUT];
};

static int flush(struct walk *walk)
{
	int error = write_all(walk->context->reply_fd, walk->output, walk->used);
	walk->used = 0;
	return error < 0 ? refuse(walk->context, "write", -error) : 0;
}

static int send_bytes(struct walk *walk, const uint8_t *data, size_t size)
{
	int result = 0;
	while (size > 0 && result == 0) {
		size_t room = OUTPUT - walk->used, part = size < room ? size : room;
		memcpy(walk->output + walk->used, data, part);
		walk->used += part;
		data += part;
		size -= part;
		if (walk->used == OUTPUT)
			result = flush(walk);
	}
	return result;
}

static int by_inode(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(struct inode));
}

/* Whether this is another name of a file whose content was sent. -1: memory ran out. */
static int was_seen(struct walk *walk, const struct stat *found)
{
	if (found->st_nlink < 2)
		return 0;
	struct inode *wanted = malloc(sizeof(*wanted));
	if (!wanted)
		return -1;
	*wanted = (struct inode){ .device = found->st_dev, .number = found->st_ino };
	struct inode **place = tsearch(wanted, &walk->seen, by_inode);
	if (!place || *place != wanted)
		free(wanted);
	return !place ? -1 : *place != wanted;
}

static int send_record(struct walk *walk, int fd, const struct stat *found, bool with_content)
{
	struct message *record = &walk->record;
	record->size = 0;
	begin_frame(record, FRAME_ENTRY);
	put_stat(record, found);
	put_sized(record, walk->path, walk->length);
	put_link(record, fd, found->st_mode);
	put_xattrs(record, fd, found->st_mode);
	put_u32(record, with_content);
	if (!finish_frame(record))
		return refuse(walk->context, "malloc", ENOMEM);
	return send_bytes(walk, record->data, record->size);
}

/* As many bytes as the record says; zeros for those that went away or cannot be read. */
static int send_content(struct walk *walk, int fd, uint64_t left)
{
	enum { FRAME_SPACE = 64 };
	int result = 0;
	while (left > 0 && result == 0) {
		if (OUTPUT - walk->used < FRAME_SPACE && (result = flush(walk)) < 0)
			return result;
		size_t room = OUTPUT - walk->used - FRAME_HEADER;
		uint32_t part = (uint32_t)(left < room ? left : room);
		uint8_t *at = walk->output + walk->used;
		memcpy(at, &part, sizeof(part));
		at[4] = FRAME_CONTENT;
		for (size_t have = 0; have < part;) {
			ssize_t n = read(fd, at + FRAME_HEADER + have, part - have);
			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0) {
				memset(at + FRAME_HEADER + have, 0, part - have);
				break;
			}
			have += (size_t)n;
		}
		walk->used += FRAME_HEADER + part;
		left -= part;
		if (walk->used == OUTPUT)
			result = flush(walk);
	}
	return result;
}

static int send_file(struct walk *walk, int fd, const struct stat *found)
{
	int seen = walk->content ? was_seen(walk, found) : 1;
	if (seen < 0)
		return refuse(walk->context, "calloc", ENOMEM);
	bool with_content = !seen && found->st_size > 0;
	int result = send_record(walk, fd, found, with_content);
	return result == 0 && with_content ? send_content(walk, fd, (uint64_t)found->st_size) : result;
}

static int send_entry(struct walk *walk, int directory, const char *name);

static int send_below(struct walk *walk, int directory, const char *name)
{
	size_t length = walk->length, slash = length > 0, size = strlen(name);
	if (length + slash + size >= sizeof(walk->path))
		return refuse(walk->context, "openat", ENAMETOOLONG);
	if (slash)
		walk->path[length] = '/';
	memcpy(walk->path + length + slash, name, size + 1);
	walk->length = length + slash + size;
	int result = send_entry(walk, directory, name);
	walk->length = length;
	return result;
}

static int is_below(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_name(const struct dirent **left, const struct dirent **right)
{
	return strcmp((*left)->d_name, (*right)->d_name);
}

static int send_directory(struct walk *walk, int fd, const struct stat *found)
{
	struct dirent **entries;
	int result = send_record(walk, fd, found, false);
	if (result < 0)
		return result;
	int count = scandirat(fd, ".", &entries, is_below, by_name);
	if (count < 0)
		return fail(walk->context, "scandirat");
	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = send_below(walk, fd, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return result;
}

static int send_opened(struct walk *walk, int fd)
{
	struct stat found;
	if (fstat(fd, &found) < 0)
		return fail(walk->context, "fstat");
	if (S_ISREG(found.st_mode))
		return send_file(walk, fd, &found);
	return S_ISDIR(found.st_mode) ? send_directory(walk, fd, &found) : send_record(walk, fd, &found, false);
}

/* What was a file or a directory and is something else by now is not opened: it may be a device. What is gone is left out. */
static int send_entry(struct walk *walk, int directory, const char *name)
{
	struct stat found;
	cleanup_fd int named = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (named < 0)
		return errno == ENOENT ? 0 : fail(walk->context, "openat");
	if (fstat(named, &found) < 0)
		return fail(walk->context, "fstat");
	if (!S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode))
		return S_ISSOCK(found.st_mode) ? 0 : send_opened(walk, named);
	/* The very file that was looked at, by its descriptor. */
	cleanup_fd int fd = open(path_of_fd(named).text, OPEN_FLAGS & ~O_NOFOLLOW);
	close_fd(&named);
	return fd < 0 ? fail(walk->context, "open") : send_opened(walk, fd);
}

/* What was opened as a path, and whether the content of files is wanted. */
long step_read_tree(struct machine *machine, const long a[])
{
	static struct walk walk;
	struct context *context = machine->context;
	struct stat found;
	if (context->reply_fd < 0)
		return refuse(context, "write", EBADF);
	walk = (struct walk){ .context = context, .content = a[1] != 0 };
	if (fstat((int)a[0], &found) < 0)
		return fail(context, "fstat");
	bool readable = S_ISREG(found.st_mode) || S_ISDIR(found.st_mode);
	cleanup_fd int fd = readable ? open(path_of_fd((int)a[0]).text, OPEN_FLAGS & ~O_NOFOLLOW) : fcntl((int)a[0], F_DUPFD_CLOEXEC, 0);
	int result = fd < 0 ? fail(context, "open") : send_opened(&walk, fd);
	if (result == 0)
		result = flush(&walk);
	tdestroy(walk.seen, free);
	free_message(&walk.record);
	return result;
}
