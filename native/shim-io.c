/* Standard streams of a process: pipes or a pty on one side; the log, attached clients and FIFOs on the other.
 * Nothing is lost and nothing grows: a client that is behind holds up the reading of the output until it took its part. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim.h"

enum { CHUNK = 128 << 10, PIPE_SIZE = 256 << 10, STREAM_HEADER = 8, DRAIN_SECONDS = 3, DRAIN_MAX = 2 << 20 };

static uint8_t chunk[CHUNK];

static void set_nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* A client that is behind when its process ends gets what was left in the pipes, but not what others go on writing into them. */
static bool clients_have_room(const struct shim *shim, const struct process *process)
{
	size_t most = process->state == PROCESS_ENDED ? DRAIN_MAX : 0;
	for (const struct connection *client = shim->connections; client; client = client->next)
		if (client->attached == process && client->pending && client->pending_size > most)
			return false;
	return true;
}

/* Reads output only while every client has taken what came before. */
static void update_reading(struct shim *shim, struct process *process)
{
	bool may_read = !process->held && (process->blocked == 0 || clients_have_room(shim, process));
	for (int i = 0; i < 2; i++) {
		struct output *output = &process->outputs[i];
		if (output->source.fd >= 0)
			watch(shim, &output->source, may_read && output->pending == NULL ? EPOLLIN : 0);
	}
}

static void extend_drain(struct process *process)
{
	clock_gettime(CLOCK_MONOTONIC, &process->drain_until);
	process->drain_until.tv_sec += DRAIN_SECONDS;
}

void drain_outputs(struct shim *shim, struct process *process)
{
	extend_drain(process);
	update_reading(shim, process);
}

static bool keep_rest(uint8_t **pending, size_t *size, size_t *at, const struct iovec *parts, size_t taken)
{
	size_t total = parts[0].iov_len + parts[1].iov_len;
	*pending = malloc(total - taken);
	if (!*pending)
		return false;
	*size = total - taken;
	*at = 0;
	uint8_t *out = *pending;
	for (int i = 0; i < 2; i++) {
		size_t skip = taken < parts[i].iov_len ? taken : parts[i].iov_len;
		if (skip == parts[i].iov_len) {
			taken -= skip;
			continue;
		}
		memcpy(out, (uint8_t *)parts[i].iov_base + skip, parts[i].iov_len - skip);
		out += parts[i].iov_len - skip;
		taken -= skip;
	}
	return true;
}

/* What is worth waking up for. Of a client whose input waits, not even its end: it may have sent more before. */
static uint32_t connection_events(const struct connection *connection)
{
	uint32_t events = connection->pending ? EPOLLOUT : 0;
	if (connection->closed_input)
		return events | EPOLLHUP;
	bool waits = connection->attached && connection->reads_stdin && connection->attached->input_pending;
	return waits ? events : events | EPOLLIN;
}

/* Puts the parts behind what waits already. */
static bool append_parts(struct connection *connection, const struct iovec *parts)
{
	size_t left = connection->pending_size - connection->pending_at;
	size_t more = parts[0].iov_len + parts[1].iov_len;
	memmove(connection->pending, connection->pending + connection->pending_at, left);
	connection->pending_at = 0;
	connection->pending_size = left;
	uint8_t *grown = realloc(connection->pending, left + more);
	if (!grown)
		return false;
	connection->pending = grown;
	for (int i = 0; i < 2; i++) {
		if (parts[i].iov_len > 0)
			memcpy(grown + connection->pending_size, parts[i].iov_base, parts[i].iov_len);
		connection->pending_size += parts[i].iov_len;
	}
	return true;
}

void send_parts(struct shim *shim, struct connection *connection, const struct iovec parts[2])
{
	if (connection->pending) {
		if (!append_parts(connection, parts))
			drop_connection(shim, connection);
		return;
	}
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = 2 };
	ssize_t n = sendmsg(connection->source.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	size_t taken = n < 0 ? 0 : (size_t)n;
	if (n >= 0 && taken == parts[0].iov_len + parts[1].iov_len)
		return;
	bool gone = n < 0 && errno != EAGAIN && errno != EINTR;
	if (gone || !keep_rest(&connection->pending, &connection->pending_size, &connection->pending_at, parts, taken)) {
		drop_connection(shim, connection);
		return;
	}
	if (connection->attached)
		connection->attached->blocked++;
	watch(shim, &connection->source, connection_events(connection));
}

static void send_to_client(struct shim *shim, struct connection *client, int stream, const uint8_t *data, size_t size)
{
	uint8_t header[STREAM_HEADER] = { (uint8_t)stream, 0, 0, 0, (uint8_t)(size >> 24), (uint8_t)(size >> 16),
					  (uint8_t)(size >> 8), (uint8_t)size };
	const struct iovec parts[2] = {
		{ .iov_base = header, .iov_len = client->attached->terminal >= 0 ? 0 : STREAM_HEADER },
		{ .iov_base = (void *)(uintptr_t)data, .iov_len = size },
	};
	send_parts(shim, client, parts);
}

static void send_to_fifo(struct shim *shim, struct output *output, const uint8_t *data, size_t size)
{
	ssize_t n = write(output->fifo.fd, data, size);
	size_t taken = n < 0 ? 0 : (size_t)n;
	if (n < 0 && errno != EAGAIN)
		return;
	if (taken == size)
		return;
	struct iovec parts[2] = { { .iov_base = NULL, .iov_len = 0 },
				  { .iov_base = (void *)(uintptr_t)data, .iov_len = size } };
	if (keep_rest(&output->pending, &output->pending_size, &output->pending_at, parts, taken))
		watch(shim, &output->fifo, EPOLLOUT);
}

static void spread(struct shim *shim, struct output *output, size_t size)
{
	struct process *process = output->process;
	if (process->log)
		write_log(process->log, output, chunk, size);
	for (struct connection *client = shim->connections, *next; client; client = next) {
		next = client->next;
		if (client->attached == process && !client->ending && client->streams[output->stream])
			send_to_client(shim, client, output->stream, chunk, size);
	}
	if (output->fifo.fd >= 0)
		send_to_fifo(shim, output, chunk, size);
	if (process->blocked > 0 || output->pending)
		update_reading(shim, process);
}

static void close_output(struct shim *shim, struct output *output)
{
	if (output->source.fd < 0)
		return;
	unwatch(shim, &output->source);
	if (output->process->log)
		end_log(output->process->log, output);
}

static void output_ready(struct shim *shim, struct source *source, uint32_t events)
{
	(void)events;
	struct output *output = container_of(source, struct output, source);
	ssize_t n = read(source->fd, chunk, sizeof(chunk));
	if (n > 0)
		spread(shim, output, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR)) /* EIO: every slave of the pty is closed */
		close_output(shim, output);
}

static void fifo_ready(struct shim *shim, struct source *source, uint32_t events)
{
	(void)events;
	struct output *output = container_of(source, struct output, fifo);
	ssize_t n = write(source->fd, output->pending + output->pending_at, output->pending_size - output->pending_at);
	if (n < 0 && errno == EAGAIN)
		return;
	extend_drain(output->process);
	output->pending_at += n < 0 ? output->pending_size - output->pending_at : (size_t)n;
	if (output->pending_at < output->pending_size)
		return;
	free(output->pending);
	output->pending = NULL;
	watch(shim, source, 0);
	update_reading(shim, output->process);
}

/* Input: from clients or a FIFO to the process. What the pipe does not take waits, and so do the clients. */

static void update_clients(struct shim *shim, struct process *process)
{
	for (struct connection *client = shim->connections; client; client = client->next)
		if (client->attached == process && client->reads_stdin)
			watch(shim, &client->source, connection_events(client));
	if (process->input_fifo.fd >= 0)
		watch(shim, &process->input_fifo, process->input_pending == NULL ? EPOLLIN : 0);
}

static void feed(struct shim *shim, struct process *process, const uint8_t *data, size_t size)
{
	if (process->input.fd < 0)
		return;
	ssize_t n = write(process->input.fd, data, size);
	if (n < 0 && errno != EAGAIN && errno != EINTR) { /* nobody reads any more */
		close_input(shim, process);
		return;
	}
	size_t taken = n < 0 ? 0 : (size_t)n;
	if (taken == size)
		return;
	struct iovec parts[2] = { { 0 }, { .iov_base = (void *)(uintptr_t)data, .iov_len = size } };
	if (!keep_rest(&process->input_pending, &process->input_size, &process->input_at, parts, taken))
		return;
	watch(shim, &process->input, EPOLLOUT);
	update_clients(shim, process);
}

static void input_ready(struct shim *shim, struct source *source, uint32_t events)
{
	(void)events;
	struct process *process = container_of(source, struct process, input);
	size_t left = process->input_size - process->input_at;
	ssize_t n = process->input_pending ? write(source->fd, process->input_pending + process->input_at, left) : -1;
	if (n < 0 && process->input_pending && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) { /* the other end is closed */
		close_input(shim, process);
		return;
	}
	process->input_at += (size_t)n;
	if (process->input_at < process->input_size)
		return;
	free(process->input_pending);
	process->input_pending = NULL;
	if (process->input_ends) {
		close_input(shim, process);
		return;
	}
	watch(shim, source, 0);
	update_clients(shim, process);
}

void end_input(struct shim *shim, struct process *process)
{
	if (process->input_pending)
		process->input_ends = true;
	else
		close_input(shim, process);
}

void close_input(struct shim *shim, struct process *process)
{
	free(process->input_pending);
	process->input_pending = NULL;
	unwatch(shim, &process->input);
	unwatch(shim, &process->input_fifo);
	update_clients(shim, process);
}

static void input_fifo_ready(struct shim *shim, struct source *source, uint32_t events)
{
	(void)events;
	struct process *process = container_of(source, struct process, input_fifo);
	ssize_t n = read(source->fd, chunk, sizeof(chunk));
	if (n > 0)
		feed(shim, process, chunk, (size_t)n);
	else if (n == 0 && process->terminal < 0)
		end_input(shim, process);
	else if (n == 0)
		unwatch(shim, source);
}

static bool others_feed(const struct shim *shim, const struct process *process)
{
	for (const struct connection *client = shim->connections; client; client = client->next)
		if (client->attached == process && client->reads_stdin)
			return true;
	return false;
}

/* The client sends no more: Docker closes the process's stdin then, if it was made with StdinOnce. */
static void client_ended(struct shim *shim, struct connection *client)
{
	struct process *process = client->attached;
	bool fed = client->reads_stdin;
	client->reads_stdin = false;
	client->closed_input = true;
	if (fed && process && process->terminal < 0 && process->stdin_once && !others_feed(shim, process))
		end_input(shim, process);
	watch(shim, &client->source, connection_events(client));
}

static void end_client(struct shim *shim, struct connection *client)
{
	client->ending = true;
	shutdown(client->source.fd, SHUT_WR);
	watch(shim, &client->source, connection_events(client));
}

void flush_pending(struct shim *shim, struct connection *connection)
{
	size_t left = connection->pending_size - connection->pending_at;
	ssize_t n = send(connection->source.fd, connection->pending + connection->pending_at, left, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		drop_connection(shim, connection);
		return;
	}
	connection->pending_at += (size_t)n;
	if (connection->pending_at < connection->pending_size)
		return;
	release_client(shim, connection);
	if (connection->source.ready == client_ready && connection->attached == NULL)
		end_client(shim, connection);
	else
		watch(shim, &connection->source, connection_events(connection));
}

void client_ready(struct shim *shim, struct source *source, uint32_t events)
{
	struct connection *client = container_of(source, struct connection, source);
	if (events & EPOLLOUT && client->pending) {
		flush_pending(shim, client);
		return;
	}
	ssize_t n = events & EPOLLIN ? recv(source->fd, chunk, sizeof(chunk), MSG_DONTWAIT) : 0;
	if (n > 0) {
		if (client->reads_stdin && client->attached)
			feed(shim, client->attached, chunk, (size_t)n);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	client_ended(shim, client);
	if (n < 0 || events & (EPOLLHUP | EPOLLERR))
		drop_connection(shim, client);
}

/* Forgets what the client did not take; lets the process go on. */
void release_client(struct shim *shim, struct connection *client)
{
	if (!client->pending)
		return;
	free(client->pending);
	client->pending = NULL;
	if (client->attached) {
		client->attached->blocked--;
		update_reading(shim, client->attached);
	}
}

void attach_client(struct shim *shim, struct connection *client, struct process *process, uint32_t flags)
{
	client->attached = process;
	client->reads_stdin = flags & 1 && process->input.fd >= 0;
	client->streams[1] = flags & 2;
	client->streams[2] = flags & 4;
	client->source.ready = client_ready;
	watch(shim, &client->source, EPOLLIN);
	if (process->held) {
		process->held = false;
		update_reading(shim, process);
	}
}

/* The process is done: each client gets its rest and the end. */
void detach_clients(struct shim *shim, struct process *process)
{
	for (struct connection *client = shim->connections; client; client = client->next) {
		if (client->attached != process)
			continue;
		client->attached = NULL;
		client->reads_stdin = false;
		if (client->pending) {
			process->blocked--;
			continue;
		}
		end_client(shim, client);
	}
}

bool outputs_drained(const struct process *process)
{
	return process->outputs[0].source.fd < 0 && process->outputs[1].source.fd < 0 && !process->outputs[0].pending &&
	       !process->outputs[1].pending;
}

void close_outputs(struct shim *shim, struct process *process)
{
	for (int i = 0; i < 2; i++) {
		close_output(shim, &process->outputs[i]);
		unwatch(shim, &process->outputs[i].fifo);
		free(process->outputs[i].pending);
		process->outputs[i].pending = NULL;
	}
	close_input(shim, process);
	if (process->log)
		close_log(process->log);
	process->log = NULL;
	if (process->terminal >= 0)
		close(process->terminal);
	process->terminal = -1;
}

static int open_pipe(int *read_end, int *write_end)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*read_end = ends[0];
	*write_end = ends[1];
	return 0;
}

static int open_output_fifo(struct output *output, const char *path)
{
	if (path[0] == '\0')
		return 0;
	/* Both ends: a reader that is not there yet or goes away does not end the container. */
	output->fifo.fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	output->fifo.ready = fifo_ready;
	return output->fifo.fd < 0 ? -errno : 0;
}

static int open_fifos(struct process *process, const struct io_request *io)
{
	if (io->paths[0][0]) {
		process->input_fifo.fd = open(io->paths[0], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		process->input_fifo.ready = input_fifo_ready;
		if (process->input_fifo.fd < 0)
			return -errno;
	}
	int error = open_output_fifo(&process->outputs[0], io->paths[1]);
	return error < 0 || io->terminal ? error : open_output_fifo(&process->outputs[1], io->paths[2]);
}

static bool wants_input(const struct process *process, const struct io_request *io)
{
	return io->kind == IO_FIFOS ? process->input_fifo.fd >= 0 : io->kind == IO_ATTACH && io->wants_stdin;
}

static bool wants_output(const struct process *process, const struct io_request *io, int index)
{
	return io->kind == IO_ATTACH || (io->kind == IO_FIFOS && process->outputs[index].fifo.fd >= 0);
}

static int open_pipes(struct shim *shim, struct process *process, const struct io_request *io, struct stdio *stdio)
{
	if (wants_input(process, io)) {
		int error = open_pipe(&stdio->child[0], &process->input.fd);
		if (error < 0)
			return error;
		set_nonblocking(process->input.fd);
		process->input.ready = input_ready;
		if (process->input_fifo.fd >= 0)
			watch(shim, &process->input_fifo, EPOLLIN);
	}
	for (int i = 0; i < 2; i++) {
		struct output *output = &process->outputs[i];
		if (!wants_output(process, io, i))
			continue;
		int error = open_pipe(&output->source.fd, &stdio->child[i + 1]);
		if (error < 0)
			return error;
		fcntl(output->source.fd, F_SETPIPE_SZ, PIPE_SIZE); /* best effort: there is a limit for each user */
		set_nonblocking(output->source.fd);
		output->source.ready = output_ready;
		watch(shim, &output->source, process->held ? 0 : EPOLLIN);
	}
	return 0;
}

int open_stdio(struct shim *shim, struct process *process, const struct io_request *io, struct stdio *stdio)
{
	process->stdin_once = io->stdin_once;
	process->held = io->kind == IO_ATTACH && !io->has_log && process->id[0] != '\0';
	for (int i = 0; i < 2; i++)
		process->outputs[i].stream = i + 1, process->outputs[i].process = process;
	if (io->has_log) {
		process->log = open_log(io);
		if (!process->log)
			return -errno;
	}
	int error = io->kind == IO_FIFOS ? open_fifos(process, io) : 0;
	if (error == 0 && !io->terminal)
		error = open_pipes(shim, process, io, stdio);
	for (int i = 0; i < 3 && error == 0; i++) {
		if (stdio->child[i] >= 0)
			continue;
		stdio->child[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (stdio->child[i] < 0)
			error = -errno;
	}
	return error;
}

/* The master came from the child. It is read as stream 1 and written through a copy: epoll watches each fd once. */
void attach_terminal(struct shim *shim, struct process *process, int master)
{
	struct output *output = &process->outputs[0];
	set_nonblocking(master);
	process->terminal = fcntl(master, F_DUPFD_CLOEXEC, 0);
	process->input.fd = fcntl(master, F_DUPFD_CLOEXEC, 0);
	process->input.ready = input_ready;
	output->source.fd = master;
	output->source.ready = output_ready;
	watch(shim, &output->source, process->held ? 0 : EPOLLIN);
	if (process->input_fifo.fd >= 0)
		watch(shim, &process->input_fifo, EPOLLIN);
}
