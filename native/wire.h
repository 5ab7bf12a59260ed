/* Reading and writing the wire format of PROTOCOL.md. Every read is bounds-checked; nothing is trusted. */
#ifndef GANTRY_WIRE_H
#define GANTRY_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A cursor over received bytes. `bad` sticks once a read went past the end or met a malformed value. */
struct reader {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

struct bytes {
	const uint8_t *data;
	uint32_t size;
};

struct reader reader_of(struct bytes bytes);
uint32_t read_u32(struct reader *reader);
uint64_t read_u64(struct reader *reader);
struct bytes read_bytes(struct reader *reader);
/* NUL-terminated in place; a string with a NUL inside is malformed. */
const char *read_string(struct reader *reader);

/* A growing message. `failed` sticks when memory ran out. */
struct message {
	uint8_t *data;
	size_t size;
	size_t capacity;
	bool failed;
};

void put_bytes(struct message *message, const void *data, size_t size);
void put_u32(struct message *message, uint32_t value);
void put_u64(struct message *message, uint64_t value);
/* u32 length and the bytes. */
void put_sized(struct message *message, const void *data, size_t size);
void free_message(struct message *message);

enum { FRAME_HEADER = 5, FRAME_MAX = 64 << 20 };

/* A frame is u32 body length, u8 type, body. The body is mapped memory of `capacity` bytes. */
struct frame {
	uint8_t type;
	uint8_t *body;
	size_t size;
	size_t capacity;
};

/* A frame whose bytes come as they may. */
struct incoming {
	uint8_t header[FRAME_HEADER];
	size_t have; /* of the header, then of the body */
	struct frame frame;
};

/* 1: the frame is whole, 0: there is more to come, else a negative errno. Waits if the fd does. */
int take_frame(int fd, struct incoming *incoming);
void free_frame(struct frame *frame);
/* What is put between the two is the frame's body, behind the number of the request that it answers, or 0. False: memory ran out. */
struct message begin_frame(uint8_t type, uint32_t request);
bool finish_frame(struct message *message);
/* Waits, even if the fd does not. 0 or a negative errno. */
int write_all(int fd, const void *data, size_t size);

#endif
