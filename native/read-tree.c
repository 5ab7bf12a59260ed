/* Steps that tell what is in a tree of files, hostile and changing as it may be: everything is opened once, below the directory that was
 * opened before, no symlink is followed, only what is a regular file or a directory is opened for reading, and what an fd says counts. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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
	uint64_t device;
	uint64_t number; /* 0: the place is free */
};

struct walk {
	struct context *context;
	bool content;
	struct message record;
	char path[PATH_SIZE]; /* of the entry, from the top; "" is that */
	size_t length;
	struct inode *seen; /* files with several names, whose content was sent: a hash table */
	size_t seen_count, seen_size; /* the size is a power of two */
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

static struct inode *find_inode(struct inode *table, size_t size, struct inode wanted)
{
	size_t at = (wanted.number * 0x9e3779b97f4a7c15u ^ wanted.device) & (size - 1);
	while (table[at].number != 0 && (table[at].number != wanted.number || table[at].device != wanted.device))
		at = (at + 1) & (size - 1);
	return &table[at];
}

static bool grow_seen(struct walk *walk)
{
	size_t size = walk->seen_size ? walk->seen_size * 2 : 64;
	struct inode *larger = calloc(size, sizeof(*larger));
	if (!larger)
		return false;
	for (size_t i = 0; i < walk->seen_size; i++)
		if (walk->seen[i].number != 0)
			*find_inode(larger, size, walk->seen[i]) = walk->seen[i];
	free(walk->seen);
	walk->seen = larger;
	walk->seen_size = size;
	return true;
}

/* Whether this is another name of a file whose content was sent. -1: memory ran out. */
static int was_seen(struct walk *walk, const struct stat *found)
{
	struct inode wanted = { .device = found->st_dev, .number = found->st_ino };
	if (found->st_nlink < 2 || wanted.number == 0)
		return 0;
	if (walk->seen_count * 2 >= walk->seen_size && !grow_seen(walk))
		return -1;
	struct inode *place = find_inode(walk->seen, walk->seen_size, wanted);
	if (place->number != 0)
		return 1;
	*place = wanted;
	walk->seen_count++;
	return 0;
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

/* The names in a directory, one behind the other, and where each begins. */
struct names {
	struct message text;
	size_t *starts;
	size_t count, capacity;
};

static void free_names(struct names *names)
{
	free_message(&names->text);
	free(names->starts);
}

static bool add_name(struct names *names, const char *name)
{
	if (names->count == names->capacity) {
		size_t capacity = names->capacity ? names->capacity * 2 : 32;
		size_t *larger = reallocarray(names->starts, capacity, sizeof(*larger));
		if (!larger)
			return false;
		names->starts = larger;
		names->capacity = capacity;
	}
	names->starts[names->count++] = names->text.size;
	put_bytes(&names->text, name, strlen(name) + 1);
	return !names->text.failed;
}

static int by_name(const void *left, const void *right, void *text)
{
	const char *names = text;
	return strcmp(names + *(const size_t *)left, names + *(const size_t *)right);
}

static int read_names(struct walk *walk, int directory, struct names *names)
{
	int copy = fcntl(directory, F_DUPFD_CLOEXEC, 0);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	if (!stream) {
		int error = fail(walk->context, "fdopendir");
		close_fd(&copy);
		return error;
	}
	int result = 0;
	for (struct dirent *entry; result == 0 && (entry = readdir(stream));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && !add_name(names, entry->d_name))
			result = refuse(walk->context, "malloc", ENOMEM);
	closedir(stream);
	if (result == 0 && names->count > 0)
		qsort_r(names->starts, names->count, sizeof(*names->starts), by_name, names->text.data);
	return result;
}

static int send_entry(struct walk *walk, int directory, const char *name);

static int send_directory(struct walk *walk, int fd, const struct stat *found)
{
	struct names names = { 0 };
	size_t length = walk->length;
	int result = send_record(walk, fd, found, false);
	if (result == 0)
		result = read_names(walk, fd, &names);
	for (size_t i = 0; i < names.count && result == 0; i++) {
		const char *name = (const char *)names.text.data + names.starts[i];
		size_t size = strlen(name), slash = length > 0;
		if (length + slash + size >= sizeof(walk->path)) {
			result = refuse(walk->context, "openat", ENAMETOOLONG);
			break;
		}
		if (slash)
			walk->path[length] = '/';
		memcpy(walk->path + length + slash, name, size + 1);
		walk->length = length + slash + size;
		result = send_entry(walk, fd, name);
		walk->length = length;
	}
	free_names(&names);
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
	free(walk.seen);
	free_message(&walk.record);
	return result;
}
