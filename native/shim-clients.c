/* Clients that are attached to a process: they get its output and feed its input. A client that is behind holds up the output. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim.h"

enum { STREAM_HEADER = 8 };

static uint8_t framed[STREAM_HEADER + CHUNK];
uint8_t *const chunk = framed + STREAM_HEADER;

/* What is worth waking up for. Of a client whose input waits, not even its end: it may have sent more before. */
static uint32_t connection_events(const struct connection *connection)
{
	uint32_t events = connection->source.kept.data ? EPOLLOUT : 0;
	if (connection->closed_input)
		return events | EPOLLHUP;
	bool waits = connection->attached && connection->reads_stdin && connection->attached->input.kept.data;
	return waits ? events : events | EPOLLIN;
}

void send_bytes(struct shim *shim, struct connection *connection, const uint8_t *data, size_t size)
{
	bool waited = connection->source.kept.data;
	int result = write_source(&connection->source, data, size);
	if (result < 0)
		drop_connection(shim, connection);
	if (result != 0 || waited)
		return;
	if (connection->attached)
		connection->attached->blocked++;
	watch(shim, &connection->source, connection_events(connection));
}

void send_output(struct shim *shim, struct connection *client, int stream, size_t size)
{
	const uint8_t header[STREAM_HEADER] = { [0] = (uint8_t)stream, [4] = (uint8_t)(size >> 24), (uint8_t)(size >> 16),
						(uint8_t)(size >> 8), (uint8_t)size };
	memcpy(framed, header, sizeof(header));
	if (client->attached->terminal >= 0)
		send_bytes(shim, client, chunk, size);
	else
		send_bytes(shim, client, framed, STREAM_HEADER + size);
}

void update_clients(struct shim *shim, struct process *process)
{
	for (struct connection *client = shim->connections; client; client = client->next)
		if (client->attached == process && client->reads_stdin)
			watch(shim, &client->source, connection_events(client));
	watch(shim, &process->input_fifo, process->input.kept.data ? 0 : EPOLLIN);
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

void flush_connection(struct shim *shim, struct connection *connection)
{
	int result = flush_source(&connection->source);
	if (result < 0)
		drop_connection(shim, connection);
	if (result <= 0)
		return;
	if (connection->attached) {
		connection->attached->blocked--;
		update_reading(shim, connection->attached);
	}
	if (connection->source.ready == client_ready && connection->attached == NULL)
		end_client(shim, connection);
	else
		watch(shim, &connection->source, connection_events(connection));
}

void client_ready(struct shim *shim, struct source *source, uint32_t events)
{
	struct connection *client = container_of(source, struct connection, source);
	if (events & EPOLLOUT && client->source.kept.data) {
		flush_connection(shim, client);
		return;
	}
	ssize_t n = events & EPOLLIN ? recv(source->fd, chunk, CHUNK, MSG_DONTWAIT) : 0;
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
	if (!client->source.kept.data)
		return;
	forget_kept(&client->source);
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
	if (client->source.kept.data)
		process->blocked++;
	watch(shim, &client->source, connection_events(client));
	if (process->held) {
		process->held = false;
		update_reading(shim, process);
	}
}

void attach_later(struct shim *shim, struct connection *client, const char *id, uint32_t flags)
{
	strncpy(client->awaited, id, sizeof(client->awaited) - 1);
	client->awaited_streams = flags;
	client->source.ready = client_ready;
	watch(shim, &client->source, EPOLLHUP);
}

void attach_awaiting(struct shim *shim, struct process *process)
{
	for (struct connection *client = shim->connections; client; client = client->next) {
		if (client->source.fd < 0 || !client->awaited[0] || strcmp(client->awaited, process->id) != 0)
			continue;
		client->awaited[0] = '\0';
		attach_client(shim, client, process, client->awaited_streams);
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
		if (client->source.kept.data) {
			process->blocked--;
			continue;
		}
		end_client(shim, client);
	}
}
