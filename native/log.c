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

#include "escapes.gen.h"
#include "supervisor.h"

enum { LINE_MAX_BYTES = 16 << 10, BUFFER = 128 << 10, WORST_CASE = 6 };

struct log {
	int fd;
	char *path;
	uint64_t max_size, size; /* 0: no rotation */
	uint32_t max_files;
	char *tail[3]; /* by stream: what follows the text, up to the time */
	char time[48]; /* RFC3339 with the quotes, for `second` */
	time_t second;
	size_t used;
	char buffer[BUFFER];
};

static int open_file(struct log *log)
{
	struct stat found;
	log->fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	log->size = log->fd >= 0 && fstat(log->fd, &found) == 0 ? (uint64_t)found.st_size : 0;
	return log->fd < 0 ? -errno : 0;
}

int open_log(const struct request_create *wanted, struct log **opened)
{
	struct log *log = *opened = calloc(1, sizeof(*log));
	if (!log)
		return -ENOMEM;
	log->max_size = wanted->log_max_size;
	log->max_files = wanted->log_max_files;
	log->path = strdup(wanted->log_path);
	log->tail[1] = strdup(wanted->log_tail1);
	log->tail[2] = strdup(wanted->log_tail2);
	log->fd = -1;
	return log->path && log->tail[1] && log->tail[2] ? open_file(log) : -ENOMEM;
}

/* A full disk loses log lines and nothing else: the container goes on. */
static void flush(struct log *log)
{
	if (write_all(log->fd, log->buffer, log->used) == 0)
		log->size += log->used;
	log->used = 0;
}

/* log -> log.1 -> log.2 … */
static void rotate(struct log *log)
{
	char from[PATH_SIZE], to[PATH_SIZE];
	flush(log);
	close(log->fd);
	for (uint32_t n = log->max_files - 1; n > 0; n--) {
		snprintf(from, sizeof(from), n > 1 ? "%s.%u" : "%s", log->path, n - 1);
		snprintf(to, sizeof(to), "%s.%u", log->path, n);
		rename(from, to);
	}
	if (log->max_files == 1)
		unlink(log->path);
	if (open_file(log) < 0)
		log->fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
}

static char *put(char *out, const void *text, size_t size)
{
	memcpy(out, text, size);
	return out + size;
}

/* Length of the valid UTF-8 sequence at `at`, 0 if there is none. */
static size_t sequence_length(const uint8_t *at, const uint8_t *end)
{
	size_t length = escapes[*at].length;
	if (length == 0 || (size_t)(end - at) < length || at[1] < escapes[*at].low || at[1] > escapes[*at].high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

static char *escape(char *out, const uint8_t *at, const uint8_t *end)
{
	while (at < end) {
		const uint8_t *run = at;
		while (at < end && escapes[*at].plain)
			at++;
		out = put(out, run, (size_t)(at - run));
		if (at == end)
			break;
		size_t length = sequence_length(at, end);
		if (escapes[*at].size > 0)
			out = put(out, escapes[*at].text, escapes[*at].size);
		else if (length == 0)
			out = put(out, "\\ufffd", 6);
		else if (length == 3 && memcmp(at, "\xe2\x80", 2) == 0 && (at[2] | 1) == 0xa9) /* line and paragraph separator */
			out = put(out, at[2] & 1 ? "\\u2029" : "\\u2028", 6);
		else
			out = put(out, at, length);
		at += length > 0 ? length : 1;
	}
	return out;
}

/* RFC 3339 with nanoseconds, their trailing zeros left out, as Go prints it. */
static void stamp(struct log *log)
{
	struct timespec now;
	struct tm utc;
	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != log->second) {
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
	strcpy(end, "Z\"}\n");
}

static void write_entry(struct log *log, int stream, const uint8_t *text, size_t size)
{
	static const char head[] = "{\"log\":\"";
	size_t tail = strlen(log->tail[stream]);
	if (log->max_size > 0 && log->size + log->used >= log->max_size)
		rotate(log);
	if (BUFFER - log->used < size * WORST_CASE + tail + 128)
		flush(log);
	char *out = put(log->buffer + log->used, head, sizeof(head) - 1);
	out = escape(out, text, text + size);
	out = put(out, log->tail[stream], tail);
	out = put(out, log->time, strlen(log->time));
	log->used = (size_t)(out - log->buffer);
}

/* Keeps the begin of a line until its end comes; as much as an entry may have is one without a newline. */
void write_log(struct log *log, struct output *output, const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;
	if (!output->carry)
		output->carry = malloc(LINE_MAX_BYTES);
	stamp(log);
	while (output->carry && data < end) {
		size_t room = LINE_MAX_BYTES - output->carried, left = (size_t)(end - data);
		size_t most = left < room ? left : room;
		const uint8_t *newline = memchr(data, '\n', most);
		size_t part = newline ? (size_t)(newline - data) + 1 : most;
		bool complete = newline || part == room;
		if (!complete || output->carried > 0) {
			memcpy(output->carry + output->carried, data, part);
			output->carried += part;
		}
		if (complete) {
			bool whole = output->carried == 0;
			write_entry(log, output->stream, whole ? data : output->carry, whole ? part : output->carried);
			output->carried = 0;
		}
		data += part;
	}
	flush(log);
}

void end_log(struct log *log, struct output *output)
{
	stamp(log);
	if (output->carried > 0)
		write_entry(log, output->stream, output->carry, output->carried);
	flush(log);
	free(output->carry);
	output->carry = NULL;
	output->carried = 0;
}

void close_log(struct log *log)
{
	close_fd(&log->fd);
	free(log->tail[1]);
	free(log->tail[2]);
	free(log->path);
	free(log);
}
