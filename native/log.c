/* Docker's json-file log, written as fast as lines can be read: {"log":"text\n","stream":"stdout","time":"2026-…Z"} and a newline.
 * Lines longer than 16 KiB are cut into entries without a newline at the end, as Docker does. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim.h"

enum { LINE_MAX_BYTES = 16 << 10, BUFFER = 128 << 10, WORST_CASE = 6 };

struct log {
	int fd;
	char *path;
	uint64_t max_size; /* 0: no rotation */
	uint32_t max_files;
	uint64_t size;
	char *tail[3]; /* by stream: what follows the text, up to the time */
	size_t tail_size[3];
	char time[48]; /* RFC3339 with the quotes, for `second` */
	time_t second;
	size_t used;
	char buffer[BUFFER];
};

static int open_file(struct log *log)
{
	struct stat found;
	log->fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (log->fd < 0)
		return -errno;
	log->size = fstat(log->fd, &found) == 0 ? (uint64_t)found.st_size : 0;
	return 0;
}

static char *make_tail(const struct io_request *io, const char *stream, size_t *size)
{
	char *text = NULL;
	const char *name = io->log_attrs.size > 0 ? ",\"attrs\":" : "";
	int n = asprintf(&text, "\",\"stream\":\"%s\"%s%.*s,\"time\":\"", stream, name, (int)io->log_attrs.size, io->log_attrs.data);
	*size = n < 0 ? 0 : (size_t)n;
	return n < 0 ? NULL : text;
}

struct log *open_log(const struct io_request *io)
{
	struct log *log = calloc(1, sizeof(*log));
	if (!log)
		return NULL;
	log->max_size = io->log_max_size;
	log->max_files = io->log_max_files;
	log->path = strdup(io->log_path);
	log->tail[1] = make_tail(io, "stdout", &log->tail_size[1]);
	log->tail[2] = make_tail(io, "stderr", &log->tail_size[2]);
	if (log->path && log->tail[1] && log->tail[2] && open_file(log) == 0)
		return log;
	int error = errno;
	log->fd = -1;
	close_log(log);
	errno = error;
	return NULL;
}

/* A full disk loses log lines and nothing else: the container goes on. */
static void flush(struct log *log)
{
	if (write_all(log->fd, log->buffer, log->used) == 0)
		log->size += log->used;
	log->used = 0;
}

static void name_rotated(const struct log *log, uint32_t number, char path[PATH_SIZE])
{
	snprintf(path, PATH_SIZE, number > 0 ? "%s.%u" : "%s", log->path, number);
}

/* log -> log.1 -> log.2 … */
static void rotate(struct log *log)
{
	char from[PATH_SIZE], to[PATH_SIZE];
	flush(log);
	close(log->fd);
	for (uint32_t n = log->max_files; n > 1; n--) {
		name_rotated(log, n - 2, from);
		name_rotated(log, n - 1, to);
		rename(from, to);
	}
	if (log->max_files <= 1)
		unlink(log->path);
	if (open_file(log) < 0)
		log->fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
}

/* Bytes that stand for themselves in a JSON string as Docker writes it: not " & < > \\ */
static const bool plain[256] = {
	[0x20 ... 0x21] = true, [0x23 ... 0x25] = true, [0x27 ... 0x3b] = true, [0x3d] = true, [0x3f ... 0x5b] = true, [0x5d ... 0x7f] = true,
};

/* Length of the valid UTF-8 sequence at `at`, 0 if there is none. */
static size_t sequence_length(const uint8_t *at, const uint8_t *end)
{
	size_t length = at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : (at[0] & 0xf0) == 0xe0 ? 3 : at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : 0;
	if (length == 0 || (size_t)(end - at) < length)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
	bool outside = (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf4 && at[1] > 0x8f);
	return overlong || outside ? 0 : length;
}

static char *put_text(char *out, const char *text)
{
	size_t size = strlen(text);
	memcpy(out, text, size);
	return out + size;
}

static char *escape_byte(char *out, uint8_t byte)
{
	static const char hex[] = "0123456789abcdef";
	if (byte == '\n')
		return put_text(out, "\\n");
	if (byte == '\r')
		return put_text(out, "\\r");
	*out++ = '\\';
	if (byte != '"' && byte != '\\') {
		out = put_text(out, "u00");
		*out++ = hex[byte >> 4];
		byte = (uint8_t)hex[byte & 15];
	}
	*out++ = (char)byte;
	return out;
}

static char *escape_sequence(char *out, const uint8_t **at, const uint8_t *end)
{
	const uint8_t *text = *at;
	size_t length = sequence_length(text, end);
	*at += length > 0 ? length : 1;
	if (length == 0)
		return put_text(out, "\\ufffd");
	if (length == 3 && memcmp(text, "\xe2\x80\xa8", 3) == 0)
		return put_text(out, "\\u2028");
	if (length == 3 && memcmp(text, "\xe2\x80\xa9", 3) == 0)
		return put_text(out, "\\u2029");
	memcpy(out, text, length);
	return out + length;
}

/* The first byte that must be escaped; sixteen at a time. */
static const uint8_t *skip_plain(const uint8_t *at, const uint8_t *end)
{
	typedef uint8_t block __attribute__((vector_size(16)));
	for (; end - at >= (ptrdiff_t)sizeof(block); at += sizeof(block)) {
		block bytes;
		uint64_t marked[2];
		memcpy(&bytes, at, sizeof(bytes));
		block marks = (block)((bytes < 0x20) | (bytes >= 0x80) | (bytes == '"') | (bytes == '\\') | (bytes == '<') |
				      (bytes == '>') | (bytes == '&'));
		memcpy(marked, &marks, sizeof(marked));
		if ((marked[0] | marked[1]) != 0)
			break;
	}
	while (at < end && plain[*at])
		at++;
	return at;
}

static char *escape(char *out, const uint8_t *at, size_t size)
{
	const uint8_t *end = at + size;
	while (at < end) {
		const uint8_t *run = at;
		at = skip_plain(at, end);
		memcpy(out, run, (size_t)(at - run));
		out += at - run;
		if (at == end)
			break;
		out = *at < 0x80 ? escape_byte(out, *at++) : escape_sequence(out, &at, end);
	}
	return out;
}

/* RFC 3339 with nanoseconds, their trailing zeros left out, as Go prints it. */
static void stamp(struct log *log)
{
	struct timespec now;
	struct tm utc;
	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != log->second || log->time[0] == '\0') {
		gmtime_r(&now.tv_sec, &utc);
		strftime(log->time, sizeof(log->time), "%Y-%m-%dT%H:%M:%S", &utc);
		log->second = now.tv_sec;
	}
	char *end = log->time + 19;
	if (now.tv_nsec > 0) {
		end += snprintf(end, 12, ".%09ld", now.tv_nsec);
		while (end[-1] == '0')
			end--;
	}
	memcpy(end, "Z\"}\n", 5);
}

static void write_entry(struct log *log, int stream, const uint8_t *text, size_t size)
{
	static const char head[] = "{\"log\":\"";
	if (log->max_size > 0 && log->size + log->used >= log->max_size)
		rotate(log);
	if (BUFFER - log->used < size * WORST_CASE + log->tail_size[stream] + 128)
		flush(log);
	char *out = log->buffer + log->used;
	memcpy(out, head, sizeof(head) - 1);
	out = escape(out + sizeof(head) - 1, text, size);
	memcpy(out, log->tail[stream], log->tail_size[stream]);
	out = put_text(out + log->tail_size[stream], log->time);
	log->used = (size_t)(out - log->buffer);
}

static void write_carried(struct log *log, struct output *output)
{
	if (output->carried > 0)
		write_entry(log, output->stream, output->carry, output->carried);
	output->carried = 0;
}

/* Keeps the begin of a line until its end comes; a full carry is an entry without a newline. */
static void carry(struct log *log, struct output *output, const uint8_t *text, size_t size)
{
	if (!output->carry)
		output->carry = malloc(LINE_MAX_BYTES);
	while (output->carry && size > 0) {
		size_t room = LINE_MAX_BYTES - output->carried;
		size_t part = size < room ? size : room;
		memcpy(output->carry + output->carried, text, part);
		output->carried += part;
		text += part;
		size -= part;
		if (output->carried == LINE_MAX_BYTES)
			write_carried(log, output);
	}
}

void write_log(struct log *log, struct output *output, const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;
	stamp(log);
	while (data < end) {
		const uint8_t *newline = memchr(data, '\n', (size_t)(end - data));
		size_t length = newline ? (size_t)(newline - data) + 1 : (size_t)(end - data);
		if (output->carried == 0 && newline && length <= LINE_MAX_BYTES) {
			write_entry(log, output->stream, data, length);
		} else {
			carry(log, output, data, length);
			if (newline)
				write_carried(log, output);
		}
		data += length;
	}
	flush(log);
}

void end_log(struct log *log, struct output *output)
{
	stamp(log);
	write_carried(log, output);
	flush(log);
	free(output->carry);
	output->carry = NULL;
}

void close_log(struct log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	free(log->tail[1]);
	free(log->tail[2]);
	free(log->path);
	free(log);
}
