/* Feeds the decoder of plans, operations and frames with valid, mutated and random bytes, under the sanitizers.
 *   fuzz ROUNDS SEED PLAN…    PLAN: a file with an encoded plan, the seed of mutations
 * Reading an operation reads every step of it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run.h"

enum { SEED_MAX = 1 << 17 };

static uint64_t state;
static volatile uint64_t touched;

static uint32_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

static void touch(struct bytes bytes)
{
	for (size_t i = 0; i < bytes.size; i++)
		touched += bytes.data[i];
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
	int error = read_plan((struct bytes){ .data = body, .size = (uint32_t)size }, &plan);
	for (uint32_t i = 0; error == 0 && i < plan.count; i++)
		touch(plan.ops[i].data);
	free(plan.ops);
	free(exact);
	return error == 0;
}

static size_t mutate(uint8_t *data, size_t size)
{
	static const uint32_t edges[] = { 0, 1, 31, 32, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };
	for (uint32_t changes = next_random() % 4 + 1; changes > 0 && size > 16; changes--) {
		size_t at = 8 + next_random() % (size - 12);
		switch (next_random() % 4) {
		case 0:
			data[at] ^= (uint8_t)(1u << next_random() % 8);
			break;
		case 1:
			data[at] = (uint8_t)next_random();
			break;
		case 2:
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
	struct incoming incoming = { 0 };
	int result;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		abort();
	uint32_t length = next_random() % 3 == 0 ? next_random() : (uint32_t)(next_random() % (size + 2));
	uint8_t header[FRAME_HEADER] = { [4] = 'P' };
	memcpy(header, &length, sizeof(length));
	write_all(ends[0], header, next_random() % 4 == 0 ? next_random() % FRAME_HEADER : FRAME_HEADER);
	write_all(ends[0], data, size);
	close(ends[0]);
	while ((result = take_frame(ends[1], &incoming)) >= 0) {
		if (result == 0)
			continue;
		touch((struct bytes){ .data = incoming.frame.body, .size = (uint32_t)incoming.frame.size });
		free_frame(&incoming.frame);
		incoming = (struct incoming){ 0 };
	}
	free_frame(&incoming.frame);
	close(ends[1]);
}

int main(int count, char **arguments)
{
	static uint8_t seed[SEED_MAX], changed[SEED_MAX];
	if (count < 4)
		return 2;
	unsigned long rounds = strtoul(arguments[1], NULL, 10), accepted = 0;
	state = strtoull(arguments[2], NULL, 10) | 1;
	for (unsigned long round = 0; round < rounds; round++) {
		cleanup_fd int file = open(arguments[3 + round % (unsigned long)(count - 3)], O_RDONLY | O_CLOEXEC);
		ssize_t size = read(file, seed, sizeof(seed));
		if (size <= 8 || !decode(seed, (size_t)size))
			return 3; /* the seeds themselves are whole */
		memcpy(changed, seed, (size_t)size);
		size_t left = (size_t)size;
		if (round % 8 == 7)
			for (size_t i = 8; i < left; i++)
				changed[i] = (uint8_t)next_random();
		else
			left = mutate(changed, left);
		accepted += decode(changed, left);
		if (round % 16 == 0)
			frames(changed, left < 4096 ? left : 4096);
	}
	printf("%lu of %lu accepted\n", accepted, rounds);
	return 0;
}
