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
		if (client->attached == process && client->source.kept.size > most)
			return false;
	return true;
}

/* Reads output only while every client has taken what came before. */
void update_reading(struct shim *shim, struct process *process)
{
	bool may_read = !process->held && (process->blocked == 0 || clients_have_room(shim, process));
	for (int i = 0; i < 2; i++)
		watch(shim, &process->outputs[i].source, may_read && !process->outputs[i].fifo.kept.data ? EPOLLIN : 0);
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
	if (write_source(&output->fifo, data, size) == 0)
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
	if (process->blocked > 0 || output->fifo.kept.data)
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
	int result = flush_source(source);
	if (result == 0)
		return;
	extend_drain(output->process);
	forget_kept(source); /* also what nobody reads any more */
	watch(shim, source, 0);
	update_reading(shim, output->process);
}

/* Input: from clients or a FIFO to the process. What the pipe does not take waits, and so do they. */

void feed(struct shim *shim, struct process *process, const uint8_t *data, size_t size)
{
	if (process->input.fd < 0)
		return;
	int result = write_source(&process->input, data, size);
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
	int result = flush_source(source);
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
	if (process->input.kept.data)
		process->input_ends = true;
	else
		close_input(shim, process);
}

void close_input(struct shim *shim, struct process *process)
{
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
	for (int i = 0; i < 2; i++)
		if (process->outputs[i].source.fd >= 0 || process->outputs[i].fifo.kept.data)
			return false;
	return true;
}

void close_outputs(struct shim *shim, struct process *process)
{
	for (int i = 0; i < 2; i++) {
		close_output(shim, &process->outputs[i]);
		unwatch(shim, &process->outputs[i].fifo);
	}
	close_input(shim, process);
	if (process->log)
		close_log(process->log);
	process->log = NULL;
	close_fd(&process->terminal);
}

static int open_fifo(struct source *source, const char *path, int flags)
{
	if (path[0] == '\0')
		return 0;
	source->fd = open(path, flags | O_NONBLOCK | O_CLOEXEC);
	return source->fd < 0 ? -errno : 0;
}

static int open_fifos(struct process *process, const struct io_request *io)
{
	int error = open_fifo(&process->input_fifo, io->paths[0], O_RDONLY);
	/* Both ends: a reader that is not there yet or goes away does not end the container. */
	for (int i = 0; i < (io->terminal ? 1 : 2) && error == 0; i++)
		error = open_fifo(&process->outputs[i].fifo, io->paths[i + 1], O_RDWR);
	return error;
}

static int open_input_pipe(struct shim *shim, struct process *process, int *child)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*child = ends[0];
	process->input.fd = ends[1];
	set_nonblocking(ends[1]);
	watch(shim, &process->input_fifo, EPOLLIN);
	return 0;
}

static int open_output_pipe(struct shim *shim, struct output *output, int *child)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	output->source.fd = ends[0];
	*child = ends[1];
	fcntl(ends[0], F_SETPIPE_SZ, PIPE_SIZE); /* best effort: there is a limit for each user */
	set_nonblocking(ends[0]);
	return watch(shim, &output->source, output->process->held ? 0 : EPOLLIN);
}

static int open_pipes(struct shim *shim, struct process *process, const struct io_request *io, struct stdio *stdio)
{
	int error = 0;
	bool attach = io->kind == IO_ATTACH;
	if ((attach && io->wants_stdin) || process->input_fifo.fd >= 0)
		error = open_input_pipe(shim, process, &stdio->child[0]);
	for (int i = 0; i < 2 && error == 0; i++)
		if (attach || process->outputs[i].fifo.fd >= 0)
			error = open_output_pipe(shim, &process->outputs[i], &stdio->child[i + 1]);
	return error;
}

void init_stdio(struct process *process)
{
	const struct source closed = { .fd = -1 };
	process->terminal = -1;
	process->input = process->input_fifo = closed;
	process->input.ready = input_ready;
	process->input_fifo.ready = input_fifo_ready;
	for (int i = 0; i < 2; i++) {
		struct output *output = &process->outputs[i];
		*output = (struct output){ .process = process, .stream = i + 1, .source = closed, .fifo = closed };
		output->source.ready = output_ready;
		output->fifo.ready = fifo_ready;
	}
}

int open_stdio(struct shim *shim, struct process *process, const struct io_request *io, struct stdio *stdio)
{
	process->stdin_once = io->stdin_once;
	process->held = io->kind == IO_ATTACH && !io->has_log && process->id[0] != '\0';
	process->log = io->has_log ? open_log(io) : NULL;
	if (io->has_log && !process->log)
		return -errno;
	int error = open_fifos(process, io);
	if (error == 0 && !io->terminal)
		error = open_pipes(shim, process, io, stdio);
	for (int i = 0; i < 3 && error == 0; i++)
		if (stdio->child[i] < 0 && (stdio->child[i] = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
			error = -errno;
	return error;
}

/* The master came from the child. It is read as stream 1 and written through a copy: epoll watches each fd once. */
void attach_terminal(struct shim *shim, struct process *process, int master)
{
	struct output *output = &process->outputs[0];
	set_nonblocking(master);
	process->terminal = fcntl(master, F_DUPFD_CLOEXEC, 0);
	process->input.fd = fcntl(master, F_DUPFD_CLOEXEC, 0);
	output->source.fd = master;
	watch(shim, &output->source, process->held ? 0 : EPOLLIN);
	watch(shim, &process->input_fifo, EPOLLIN);
}
