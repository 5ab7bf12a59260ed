/* Standard streams of a process: pipes or a pty on one side; the log, attached clients and FIFOs on the other.
 * Nothing is lost and nothing grows: a client that is behind holds up the reading of the output until it took its part, and a process
 * that does not read holds up those that feed it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "supervisor.h"

enum { STREAM_HEADER = 8, PIPE_SIZE = 256 << 10, DRAIN_MAX = 2 << 20 };

static uint8_t framed[STREAM_HEADER + CHUNK];
static uint8_t *const chunk = framed + STREAM_HEADER; /* what was read last, from whichever stream */

static bool others_feed(const struct supervisor *us, const struct process *process)
{
	for (const struct connection *client = us->connections; client; client = client->next)
		if (client->attached == process && client->feeds)
			return true;
	return false;
}

/* What is worth waking up for. Of a client whose input waits, not even its end: it may have sent more before. */
short connection_events(const struct connection *connection)
{
	const struct process *process = connection->feeds ? connection->attached : NULL;
	short events = connection->source.kept.data ? POLLOUT : 0;
	if (connection->closed_input || connection->awaited[0])
		return events | POLLHUP;
	bool waits = process && (process->input.kept.data || process->state == PROCESS_STARTING);
	return waits ? events : events | POLLIN;
}

/* Reads output only while every client has taken what came before. One that is behind when its process ends gets what was left in the
 * pipes, but not what others go on writing into them. */
bool may_read(const struct supervisor *us, const struct process *process)
{
	size_t most = process->state == PROCESS_ENDED ? DRAIN_MAX : 0;
	for (const struct connection *client = us->connections; client; client = client->next)
		if (client->attached == process && client->source.kept.size > most)
			return false;
	return !process->held;
}

void send_bytes(struct supervisor *us, struct connection *connection, const uint8_t *data, size_t size)
{
	if (write_source(&connection->source, data, size) < 0)
		drop_connection(us, connection);
}

/* The first bytes of the chunk; the room before it is the frame's header. */
static void send_output(struct supervisor *us, struct connection *client, int stream, size_t size)
{
	const uint8_t header[STREAM_HEADER] = { [0] = (uint8_t)stream, [4] = (uint8_t)(size >> 24), (uint8_t)(size >> 16),
						(uint8_t)(size >> 8), (uint8_t)size };
	memcpy(framed, header, sizeof(header));
	if (client->role == ROLE_PLAIN || client->attached->terminal >= 0)
		send_bytes(us, client, chunk, size);
	else
		send_bytes(us, client, framed, STREAM_HEADER + size);
}

static void end_output(struct output *output)
{
	if (output->source.fd < 0)
		return;
	close_source(&output->source);
	if (output->process->log)
		end_log(output->process->log, output);
}

void output_ready(struct supervisor *us, struct source *source, short events)
{
	(void)events;
	struct output *output = container_of(source, struct output, source);
	struct process *process = output->process;
	ssize_t n = read(source->fd, chunk, CHUNK);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) /* EIO: every slave of the pty is closed */
		end_output(output);
	if (n <= 0)
		return;
	if (process->log)
		write_log(process->log, output, chunk, (size_t)n);
	for (struct connection *client = us->connections; client; client = client->next)
		if (client->attached == process && !client->ending && client->streams[output->stream])
			send_output(us, client, output->stream, (size_t)n);
}

/* What the process does not take waits, and so do those that feed it. */
static void feed(struct process *process, size_t size)
{
	if (process->input.fd >= 0 && write_source(&process->input, chunk, size) < 0) /* nobody reads any more */
		close_source(&process->input);
}

void input_ready(struct supervisor *us, struct source *source, short events)
{
	(void)us, (void)events;
	struct process *process = container_of(source, struct process, input);
	int result = flush_source(source);
	if (result < 0 || (result > 0 && process->input_ends))
		close_source(&process->input);
}

void end_input(struct process *process)
{
	if (process->input.kept.data)
		process->input_ends = true;
	else
		close_source(&process->input);
}

/* The client sends no more: Docker closes the process's stdin then, if it was made with StdinOnce. */
static void client_ended(struct supervisor *us, struct connection *client)
{
	struct process *process = client->attached;
	bool fed = client->feeds;
	client->feeds = false;
	client->closed_input = true;
	if (fed && process && process->terminal < 0 && process->stdin_once && !others_feed(us, process))
		end_input(process);
}

void close_input(struct supervisor *us, struct process *process)
{
	process->stdin_once = true;
	for (struct connection *client = us->connections; client; client = client->next) {
		if (client->attached != process || !client->feeds || client->role != ROLE_PLAIN)
			continue;
		if (!process->input.kept.data)
			client_ready(us, &client->source, POLLIN); /* it may have had no writer ever: no event would tell */
		return;
	}
	end_input(process);
}

void end_connection(struct connection *connection)
{
	connection->ending = true;
	shutdown(connection->source.fd, SHUT_WR);
}

void flush_connection(struct supervisor *us, struct connection *connection)
{
	int result = flush_source(&connection->source);
	if (result < 0)
		drop_connection(us, connection);
	else if (connection->attached && connection->role == ROLE_PLAIN)
		connection->attached->drain_until = now() + us->drain_ms;
	else if (result > 0 && connection->role == ROLE_CLIENT && !connection->attached && !connection->awaited[0])
		end_connection(connection);
}

void client_ready(struct supervisor *us, struct source *source, short events)
{
	struct connection *client = container_of(source, struct connection, source);
	if (events & POLLOUT && source->kept.data) {
		flush_connection(us, client);
		return;
	}
	ssize_t n = events & POLLIN ? read(source->fd, chunk, CHUNK) : 0;
	if (n > 0 && client->feeds && client->attached)
		feed(client->attached, (size_t)n);
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	client_ended(us, client);
	if (n < 0 || events & (POLLHUP | POLLERR))
		drop_connection(us, client);
}

void attach_client(struct connection *client, struct process *process)
{
	client->attached = process;
	client->awaited[0] = '\0';
	client->feeds = client->feeds && process->input.fd >= 0;
	process->held = false;
}

void attach_awaiting(struct supervisor *us, struct process *process)
{
	for (struct connection *client = us->connections; client; client = client->next)
		if (client->source.fd >= 0 && client->awaited[0] && strcmp(client->awaited, process->id) == 0)
			attach_client(client, process);
}

void detach_clients(struct supervisor *us, struct process *process)
{
	for (struct connection *client = us->connections; client; client = client->next) {
		if (client->attached != process)
			continue;
		client->attached = NULL;
		client->feeds = false;
		if (client->role == ROLE_PLAIN)
			drop_connection(us, client);
		else if (!client->source.kept.data)
			end_connection(client);
	}
}

bool outputs_drained(const struct supervisor *us, const struct process *process)
{
	for (const struct connection *client = us->connections; client; client = client->next)
		if (client->attached == process && client->role == ROLE_PLAIN && client->source.kept.data)
			return false;
	return process->outputs[0].source.fd < 0 && process->outputs[1].source.fd < 0;
}

bool awaits_reader(const struct supervisor *us, const struct process *process)
{
	for (const struct connection *client = us->connections; client; client = client->next) {
		int left = 0;
		if (client->attached == process && client->unread && ioctl(client->source.fd, FIONREAD, &left) == 0 && left > 0)
			return true;
	}
	return false;
}

/* Makes our own terminal raw, or what it was before. */
static void set_own_terminal(bool raw)
{
	static struct termios before;
	static bool changed;
	if (raw)
		changed = tcgetattr(STDIN_FILENO, &before) == 0;
	struct termios wanted = before;
	if (raw)
		cfmakeraw(&wanted);
	if (changed)
		tcsetattr(STDIN_FILENO, TCSANOW, &wanted);
	changed &= raw;
}

void close_outputs(struct process *process)
{
	end_output(&process->outputs[0]);
	end_output(&process->outputs[1]);
	close_source(&process->input);
	if (process->log)
		close_log(process->log);
	process->log = NULL;
	close_fd(&process->terminal);
	if (process->joins)
		set_own_terminal(false);
}

/* A stream of ours, or a FIFO, that goes on with one of the process's: 0 feeds it. The fd is ours from here on. */
static int join(struct supervisor *us, struct process *process, int fd, int stream)
{
	struct connection *joined = fd < 0 ? NULL : add_connection(us, fd, ROLE_PLAIN);
	if (!joined)
		return -errno;
	joined->attached = process;
	joined->feeds = stream == 0;
	joined->closed_input = stream != 0;
	joined->streams[stream] = stream != 0;
	return 0;
}

/* An output has both ends: a reader that is not there yet or goes away does not end the container. It may be a file. */
static int join_fifo(struct supervisor *us, struct process *process, const char *path, int stream)
{
	const int flags = O_NONBLOCK | O_CLOEXEC;
	if (stream == 0)
		return join(us, process, open(path, O_RDONLY | flags), stream);
	cleanup_fd int probe = open(path, O_WRONLY | flags); /* while we have no end ourselves */
	bool unread = probe < 0 && errno == ENXIO;
	int error = join(us, process, open(path, O_RDWR | O_APPEND | flags), stream);
	if (error == 0)
		us->connections->unread = unread;
	return error;
}

static int join_fifos(struct supervisor *us, struct process *process, const char *const paths[3])
{
	int error = 0;
	for (int i = 0; i < 3 && error == 0; i++)
		if (paths[i][0])
			error = join_fifo(us, process, paths[i], i);
	return error;
}

/* The end at `ours` does not wait. */
static int open_pipe(int ours, int *our_end, int *child)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*our_end = ends[ours];
	*child = ends[1 - ours];
	fcntl(*our_end, F_SETFL, O_NONBLOCK);
	if (ours == 0)
		fcntl(*our_end, F_SETPIPE_SZ, PIPE_SIZE); /* best effort: there is a limit for each user */
	return 0;
}

void init_streams(struct process *process)
{
	process->terminal = process->sync.fd = process->input.fd = -1;
	for (int i = 0; i < 2; i++)
		process->outputs[i] = (struct output){ .process = process, .stream = i + 1, .source.fd = -1 };
}

static int open_stream(struct process *process, const struct request_create *wanted, int i, int *child)
{
	if (wanted->pipes >> i & 1)
		return i == 0 ? open_pipe(1, &process->input.fd, child) : open_pipe(0, &process->outputs[i - 1].source.fd, child);
	*child = wanted->inherits ? fcntl(i, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY) : open("/dev/null", O_RDWR | O_CLOEXEC);
	return *child < 0 ? -errno : 0;
}

int open_streams(struct supervisor *us, struct process *process, const struct request_create *wanted, int child[3])
{
	process->joins = wanted->inherits;
	process->stdin_once = wanted->stdin_once;
	process->held = wanted->held;
	int error = wanted->log_path[0] ? open_log(wanted, &process->log) : 0;
	if (error == 0)
		error = join_fifos(us, process, (const char *const[]){ wanted->stdin_path, wanted->stdout_path, wanted->stderr_path });
	for (int i = 0; i < 3 && error == 0; i++)
		error = open_stream(process, wanted, i, &child[i]);
	return error;
}

void follow_size(const struct process *process)
{
	struct winsize size;
	if (process->terminal >= 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		ioctl(process->terminal, TIOCSWINSZ, &size);
}

/* It is read as stream 1 and written through a copy, which has an end of its own. */
void take_terminal(struct supervisor *us, struct process *process, int master)
{
	if (process->terminal >= 0) {
		close(master);
		return;
	}
	fcntl(master, F_SETFL, fcntl(master, F_GETFL) | O_NONBLOCK);
	process->terminal = fcntl(master, F_DUPFD_CLOEXEC, 0);
	process->input.fd = fcntl(master, F_DUPFD_CLOEXEC, 0);
	process->outputs[0].source.fd = master;
	if (!process->joins)
		return;
	follow_size(process);
	set_own_terminal(true);
	for (int stream = STDIN_FILENO; stream <= STDOUT_FILENO; stream++)
		join(us, process, fcntl(stream, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY), stream);
}
