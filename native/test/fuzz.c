/* Feeds the decoder of plans, operations and frames with valid, mutated and random bytes, under the sanitizers.
 *   fuzz ROUNDS SEED PLAN…    PLAN: a file with an encoded plan, the seed of mutations
 * Whatever is decoded is walked to its last byte, as a handler would. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../run.h"

enum { SEED_MAX = 1 << 16 };

static uint64_t state;
static volatile uint64_t touched;

static uint32_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

static void touch(const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		touched += ((const uint8_t *)data)[i];
}

static void walk_strings(struct list list)
{
	for (uint32_t i = 0; i < list.count; i++) {
		const char *text = read_string(&list.items);
		touch(text, strlen(text) + 1);
	}
	if (list.items.bad || list.items.at != list.items.end)
		abort();
}

static void walk_bytes(struct list list)
{
	for (uint32_t i = 0; i < list.count; i++) {
		struct bytes bytes = read_bytes(&list.items);
		touch(bytes.data, bytes.size);
	}
	if (list.items.bad || list.items.at != list.items.end)
		abort();
}

static void walk_attributes(struct attributes attributes)
{
	struct list list = attributes.xattrs;
	for (uint32_t i = 0; i < list.count; i++) {
		const char *name = read_string(&list.items);
		struct bytes value = read_bytes(&list.items);
		touch(name, strlen(name) + 1);
		touch(value.data, value.size);
	}
	if (list.items.bad)
		abort();
}

/* Members by their use; a code that is missing here is only copied. */
static void walk_op(const struct op *op)
{
	switch (op->code) {
	case OP_EXEC:
		walk_strings(op->exec.candidates);
		walk_strings(op->exec.argv);
		walk_strings(op->exec.env);
		break;
	case OP_SPAWN:
		walk_strings(op->spawn.argv);
		touch(op->spawn.stdin.data, op->spawn.stdin.size);
		break;
	case OP_MOUNT:
		touch(op->mount.data, strlen(op->mount.data) + 1);
		touch(op->mount.cwd, strlen(op->mount.cwd) + 1);
		break;
	case OP_WRITE:
		touch(op->write.path, strlen(op->write.path) + 1);
		touch(op->write.data.data, op->write.data.size);
		break;
	case OP_NETLINK:
		walk_bytes(op->netlink.messages);
		break;
	case OP_SECCOMP:
		touch(op->seccomp.filter.data, op->seccomp.filter.size);
		break;
	case OP_MAKE_FILE:
		touch(op->make_file.path, strlen(op->make_file.path) + 1);
		walk_attributes(op->make_file.attributes);
		if (op->make_file.root >= SLOT_COUNT)
			abort();
		break;
	case OP_OPEN:
		if (op->open.slot >= SLOT_COUNT || (op->open.root >= SLOT_COUNT && op->open.root != SLOT_NONE))
			abort();
		break;
	default:
		break;
	}
}

/* A copy of exactly that size, so that the sanitizer sees the first byte behind it. */
static bool decode(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size + 1);
	if (!exact)
		abort();
	uint8_t *body = exact + 1; /* unaligned, as on the wire */
	memcpy(body, data, size);
	struct plan plan = { 0 };
	struct reader reader = { .at = body, .end = body + size };
	int error = read_plan(&reader, &plan);
	if (error == 0)
		for (uint32_t i = 0; i < plan.count; i++)
			walk_op(&plan.ops[i]);
	free(plan.ops);
	struct op op;
	reader = (struct reader){ .at = body, .end = body + size };
	if (read_op(&reader, &op) == 0)
		walk_op(&op);
	free(exact);
	return error == 0;
}

static size_t mutate(uint8_t *data, size_t size)
{
	static const uint32_t edges[] = { 0, 1, 31, 32, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };
	uint32_t changes = next_random() % 4 + 1;
	for (uint32_t i = 0; i < changes && size > 8; i++) {
		size_t at = 8 + next_random() % (size - 8);
		switch (next_random() % 4) {
		case 0:
			data[at] ^= (uint8_t)(1u << next_random() % 8);
			break;
		case 1:
			data[at] = (uint8_t)next_random();
			break;
		case 2:
			if (size - at >= 4)
				memcpy(data + at, &edges[next_random() % 8], 4);
			break;
		default:
			size = next_random() % 4 == 0 ? at : size;
		}
	}
	return size;
}

/* The frame reader on a socket: random headers and sizes, and an end at any place. */
static void frames(const uint8_t *data, size_t size)
{
	int ends[2];
	struct frame frame;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		abort();
	uint32_t length = next_random() % 3 == 0 ? next_random() : (uint32_t)(next_random() % (size + 2));
	uint8_t header[FRAME_HEADER] = { [4] = 'P' };
	memcpy(header, &length, sizeof(length));
	write_all(ends[0], header, next_random() % 4 == 0 ? next_random() % FRAME_HEADER : FRAME_HEADER);
	write_all(ends[0], data, size);
	close(ends[0]);
	while (read_frame(ends[1], &frame) == 0) {
		touch(frame.body, frame.size);
		free_frame(&frame);
	}
	close(ends[1]);
}

static size_t load(const char *path, uint8_t *into)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, into, SEED_MAX);
	if (fd >= 0)
		close(fd);
	return size < 0 ? 0 : (size_t)size;
}

int main(int count, char **arguments)
{
	static uint8_t seed[SEED_MAX], changed[SEED_MAX];
	if (count < 4)
		return 2;
	unsigned long rounds = strtoul(arguments[1], NULL, 10), accepted = 0;
	state = strtoull(arguments[2], NULL, 10) | 1;
	for (unsigned long round = 0; round < rounds; round++) {
		size_t size = load(arguments[3 + round % (unsigned long)(count - 3)], seed);
		if (size == 0 || !decode(seed, size))
			return 3; /* the seeds themselves are whole */
		memcpy(changed, seed, size);
		if (round % 8 == 7)
			for (size_t i = 8; i < size; i++)
				changed[i] = (uint8_t)next_random();
		else
			size = mutate(changed, size);
		accepted += decode(changed, size);
		if (round % 16 == 0)
			frames(changed, size < 4096 ? size : 4096);
	}
	printf("%lu of %lu accepted\n", accepted, rounds);
	return 0;
}
