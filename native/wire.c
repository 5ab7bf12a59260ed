#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct reader reader_of(struct bytes bytes)
{
	return (struct reader){ .at = bytes.data, .end = bytes.data + bytes.size };
}

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

/* Little endian, as every machine is that we run on. */
static uint64_t read_number(struct reader *reader, size_t size)
{
	uint64_t value = 0;
	const uint8_t *found = take(reader, size);
	if (found)
		memcpy(&value, found, size);
	return value;
}

uint32_t read_u32(struct reader *reader) { return (uint32_t)read_number(reader, sizeof(uint32_t)); }
uint64_t read_u64(struct reader *reader) { return read_number(reader, sizeof(uint64_t)); }

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

static int open_frame(struct frame *frame, const uint8_t header[FRAME_HEADER])
{
	uint32_t size;
	memcpy(&size, header, sizeof(size));
	if (size > FRAME_MAX)
		return -EMSGSIZE;
	*frame = (struct frame){ .type = header[4], .size = size, .capacity = size + 1 };
	frame->body = mmap(NULL, frame->capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (frame->body != MAP_FAILED)
		return 0;
	*frame = (struct frame){ 0 };
	return -ENOMEM;
}

int take_frame(int fd, struct incoming *incoming)
{
	struct frame *frame = &incoming->frame;
	if (frame->body && incoming->have == frame->size)
		return 1;
	uint8_t *to = frame->body ? frame->body : incoming->header;
	ssize_t n = read(fd, to + incoming->have, (frame->body ? frame->size : FRAME_HEADER) - incoming->have);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	incoming->have += (size_t)n;
	if (!frame->body && incoming->have == FRAME_HEADER) {
		incoming->have = 0;
		int error = open_frame(frame, incoming->header);
		if (error < 0)
			return error;
	}
	return frame->body && incoming->have == frame->size;
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
		ssize_t n = write(fd, (const uint8_t *)data + done, size - done);
		if (n < 0 && errno == EAGAIN)
			poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
		else if (n < 0 && errno != EINTR)
			return -errno;
		else if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

struct message begin_frame(uint8_t type, uint32_t request)
{
	struct message frame = { 0 };
	put_u32(&frame, 0);
	put_bytes(&frame, &type, sizeof(type));
	put_u32(&frame, request);
	return frame;
}

bool finish_frame(struct message *message)
{
	uint32_t size = (uint32_t)(message->size - FRAME_HEADER);
	if (!message->failed)
		memcpy(message->data, &size, sizeof(size));
	return !message->failed;
}
