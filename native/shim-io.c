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
#include <unistd.h>

#include "shim.h"

enum { PIPE_SIZE = 256 << 10, DRAIN_SECONDS = 3, DRAIN_MAX = 2 << 20 };

static void set_nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* A client that is behind when its process ends gets what was left in the pipes, but not what others go on writing into them. */
static bool clients_have_room(const struct shim *shim, const struct process *process)
{
	size_t most = process->state == PROCESS_ENDED ? DRAIN_MAX : 0;
	for (const struct connection *client = shim->connections; client; client = client->next)
		if (client->attached == process && client->pending.size > most)
			return false;
	return true;
}

/* Reads output only while every client has taken what came before. */
void update_reading(struct shim *shim, struct process *process)
{
	bool may_read = !process->held && (process->blocked == 0 || clients_have_room(shim, process));
	for (int i = 0; i < 2; i++) {
		struct output *output = &process->outputs[i];
		if (output->source.fd >= 0)
			watch(shim, &output->source, may_read && !output->pending.data ? EPOLLIN : 0);
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

static void send_to_fifo(struct shim *shim, struct output *output, const uint8_t *data, size_t size)
{
	if (write_or_keep(&output->pending, output->fifo.fd, data, size) == 0)
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
			send_output(shim, client, output->stream, size);
	}
	if (output->fifo.fd >= 0)
		send_to_fifo(shim, output, chunk, size);
	if (process->blocked > 0 || output->pending.data)
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
	ssize_t n = read(source->fd, chunk, CHUNK);
	if (n > 0)
		spread(shim, output, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR)) /* EIO: every slave of the pty is closed */
		close_output(shim, output);
}

static void fifo_ready(struct shim *shim, struct source *source, uint32_t events)
{
	(void)events;
	struct output *output = container_of(source, struct output, fifo);
	int result = write_kept(&output->pending, source->fd);
	if (result == 0)
		return;
	extend_drain(output->process);
	forget_kept(&output->pending);
	watch(shim, source, 0);
	update_reading(shim, output->process);
}

/* Input: from clients or a FIFO to the process. What the pipe does not take waits, and so do they. */

void feed(struct shim *shim, struct process *process, const uint8_t *data, size_t size)
{
	if (process->input.fd < 0)
		return;
	int result = write_or_keep(&process->input_pending, process->input.fd, data, size);
	if (result < 0) /* nobody reads any more */
		close_input(shim, process);
	if (result != 0)
		return;
	watch(shim, &process->input, EPOLLOUT);
	update_clients(shim, process);
}

static void input_ready(struct shim *shim, struct source *source, uint32_t events)
{
	(void)events;
	struct process *process = container_of(source, struct process, input);
	int result = write_kept(&process->input_pending, source->fd);
	if (result == 0)
		return;
	if (result < 0 || process->input_ends) {
		close_input(shim, process);
		return;
	}
	watch(shim, source, 0);
	update_clients(shim, process);
}

void end_input(struct shim *shim, struct process *process)
{
	if (process->input_pending.data)
		process->input_ends = true;
	else
		close_input(shim, process);
}

void close_input(struct shim *shim, struct process *process)
{
	forget_kept(&process->input_pending);
	unwatch(shim, &process->input);
	unwatch(shim, &process->input_fifo);
	update_clients(shim, process);
}

static void input_fifo_ready(struct shim *shim, struct source *source, uint32_t events)
{
	(void)events;
	struct process *process = container_of(source, struct process, input_fifo);
	ssize_t n = read(source->fd, chunk, CHUNK);
	if (n > 0)
		feed(shim, process, chunk, (size_t)n);
	else if (n == 0 && process->terminal < 0)
		end_input(shim, process);
	else if (n == 0)
		unwatch(shim, source);
}

bool outputs_drained(const struct process *process)
{
	return process->outputs[0].source.fd < 0 && process->outputs[1].source.fd < 0 && !process->outputs[0].pending.data &&
	       !process->outputs[1].pending.data;
}

void close_outputs(struct shim *shim, struct process *process)
{
	for (int i = 0; i < 2; i++) {
		close_output(shim, &process->outputs[i]);
		unwatch(shim, &process->outputs[i].fifo);
		forget_kept(&process->outputs[i].pending);
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
