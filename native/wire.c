#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint8_t *take(struct reader *reader, size_t size)
{
	if (reader->bad || (size_t)(reader->end - reader->at) < size) {
		reader->bad = true;
		return NULL;
	}
	const uint8_t *found = reader->at;
	reader->at += size;
	return found;
}

uint8_t read_u8(struct reader *reader)
{
	const uint8_t *p = take(reader, 1);
	return p ? p[0] : 0;
}

uint16_t read_u16(struct reader *reader)
{
	const uint8_t *p = take(reader, 2);
	return p ? (uint16_t)(p[0] | p[1] << 8) : 0;
}

uint32_t read_u32(struct reader *reader)
{
	uint32_t value = 0;
	const uint8_t *p = take(reader, sizeof(value));
	if (p)
		memcpy(&value, p, sizeof(value)); /* little endian on every machine we run on */
	return value;
}

uint64_t read_u64(struct reader *reader)
{
	uint64_t value = 0;
	const uint8_t *p = take(reader, sizeof(value));
	if (p)
		memcpy(&value, p, sizeof(value));
	return value;
}

uint32_t read_slot(struct reader *reader)
{
	uint32_t slot = read_u32(reader);
	if (slot < SLOT_COUNT)
		return slot;
	reader->bad = true;
	return 0;
}

uint32_t read_optional_slot(struct reader *reader)
{
	uint32_t slot = read_u32(reader);
	if (slot >= SLOT_COUNT && slot != SLOT_NONE)
		reader->bad = true;
	return slot;
}

struct bytes read_bytes(struct reader *reader)
{
	struct bytes found = { .size = read_u32(reader) };
	found.data = take(reader, found.size);
	if (!found.data)
		found.size = 0;
	return found;
}

const char *read_string(struct reader *reader)
{
	uint32_t size = read_u32(reader);
	const uint8_t *p = take(reader, (size_t)size + 1);
	if (!p || p[size] != 0 || memchr(p, 0, size)) {
		reader->bad = true;
		return "";
	}
	return (const char *)p;
}

const char *read_optional_string(struct reader *reader)
{
	struct reader ahead = *reader;
	if (read_u32(&ahead) != UINT32_MAX)
		return read_string(reader);
	*reader = ahead;
	return "";
}

/* Walks the list once to check it, so that later walks cannot fail. */
static struct list read_list(struct reader *reader, void (*skip)(struct reader *))
{
	struct list list = { .count = read_u32(reader) };
	list.items = *reader;
	for (uint32_t i = 0; i < list.count && !reader->bad; i++)
		skip(reader);
	if (reader->bad)
		list.count = 0;
	list.items.end = reader->at;
	return list;
}

static void skip_string(struct reader *reader) { (void)read_string(reader); }
static void skip_bytes(struct reader *reader) { (void)read_bytes(reader); }
static void skip_u32(struct reader *reader) { (void)read_u32(reader); }

static void skip_xattr(struct reader *reader)
{
	skip_string(reader);
	skip_bytes(reader);
}

struct times read_times(struct reader *reader)
{
	uint64_t sec = read_u64(reader);
	return (struct times){ .sec = sec, .nsec = read_u32(reader) };
}

struct attributes read_attributes(struct reader *reader)
{
	struct attributes found = { .mode = read_u32(reader) };
	found.uid = read_u32(reader);
	found.gid = read_u32(reader);
	found.mtime = read_times(reader);
	found.xattrs = read_list(reader, skip_xattr);
	return found;
}

struct list read_string_list(struct reader *reader) { return read_list(reader, skip_string); }
struct list read_bytes_list(struct reader *reader) { return read_list(reader, skip_bytes); }
struct list read_u32_list(struct reader *reader) { return read_list(reader, skip_u32); }

void put_bytes(struct message *message, const void *data, size_t size)
{
	if (message->failed || size == 0)
		return;
	if (message->capacity - message->size < size) {
		size_t capacity = (message->size + size) * 2;
		uint8_t *grown = realloc(message->data, capacity);
		if (!grown) {
			message->failed = true;
			return;
		}
		message->data = grown;
		message->capacity = capacity;
	}
	memcpy(message->data + message->size, data, size);
	message->size += size;
}

void put_u8(struct message *message, uint8_t value) { put_bytes(message, &value, sizeof(value)); }
void put_u32(struct message *message, uint32_t value) { put_bytes(message, &value, sizeof(value)); }
void put_u64(struct message *message, uint64_t value) { put_bytes(message, &value, sizeof(value)); }

void put_sized(struct message *message, const void *data, size_t size)
{
	put_u32(message, (uint32_t)size);
	put_bytes(message, data, size);
}

void free_message(struct message *message)
{
	free(message->data);
	*message = (struct message){ 0 };
}

static int read_all(int fd, void *data, size_t size, bool may_end)
{
	size_t done = 0;
	while (done < size) {
		ssize_t n = read(fd, (uint8_t *)data + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return may_end && done == 0 ? -ENODATA : -EPIPE;
		done += (size_t)n;
	}
	return 0;
}

int open_frame(struct frame *frame, const uint8_t header[FRAME_HEADER])
{
	uint32_t size;
	memcpy(&size, header, sizeof(size));
	if (size > FRAME_MAX)
		return -EMSGSIZE;
	frame->type = header[4];
	frame->size = size;
	frame->capacity = size + 1;
	frame->body = mmap(NULL, frame->capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (frame->body == MAP_FAILED) {
		*frame = (struct frame){ 0 };
		return -ENOMEM;
	}
	return 0;
}

int read_frame(int fd, struct frame *frame)
{
	uint8_t header[FRAME_HEADER];
	*frame = (struct frame){ 0 };
	int error = read_all(fd, header, sizeof(header), true);
	if (error == 0)
		error = open_frame(frame, header);
	if (error == 0)
		error = read_all(fd, frame->body, frame->size, false);
	if (error < 0)
		free_frame(frame);
	return error;
}

void free_frame(struct frame *frame)
{
	if (frame->body)
		munmap(frame->body, frame->capacity);
	*frame = (struct frame){ 0 };
}

int write_all(int fd, const void *data, size_t size)
{
	size_t done = 0;
	while (done < size) {
		ssize_t n = send(fd, (const uint8_t *)data + done, size - done, MSG_NOSIGNAL);
		if (n < 0 && errno == ENOTSOCK)
			n = write(fd, (const uint8_t *)data + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

void begin_frame(struct message *message, uint8_t type)
{
	put_u32(message, 0);
	put_u8(message, type);
}

bool finish_frame(struct message *message)
{
	uint32_t size = (uint32_t)(message->size - FRAME_HEADER);
	if (!message->failed)
		memcpy(message->data, &size, sizeof(size));
	return !message->failed;
}
