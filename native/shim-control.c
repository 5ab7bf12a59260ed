/* The shim's socket: requests of the daemon, and clients that attach. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ops.gen.h"
#include "shim.h"
#include "zygote.h"

struct process *find_process(struct shim *shim, const char *id)
{
	for (struct process *process = shim->processes; process; process = process->next)
		if (strcmp(process->id, id) == 0)
			return process;
	return NULL;
}

void accept_connection(struct shim *shim, int fd)
{
	struct connection *connection = peer_trusted(fd) ? calloc(1, sizeof(*connection)) : NULL;
	if (!connection) {
		close(fd);
		return;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	connection->source = (struct source){ .fd = fd, .ready = control_ready };
	connection->next = shim->connections;
	shim->connections = connection;
	watch(shim, &connection->source, EPOLLIN);
}

/* The shim ends when they have ended. A copy of the connection stays open until then: its end says that the will is done. */
static void end_with_owner(struct shim *shim)
{
	struct context context;
	init_context(&context);
	fcntl(shim->owner->source.fd, F_DUPFD_CLOEXEC, 0);
	shim->owner = NULL;
	for (uint32_t i = 0; i < shim->will.count; i++)
		if (shim->will.ops[i].marks & MARK_HOST) /* what frozen processes wait for */
			run_op(&context, &shim->will.ops[i]);
	free_message(&context.results);
	for (const struct process *process = shim->processes; process; process = process->next)
		if (process->pid > 0 && process->state < PROCESS_ENDED)
			kill(process->pid, SIGKILL);
}

/* Marks it closed; the loop frees it when no event can refer to it any more. */
void drop_connection(struct shim *shim, struct connection *connection)
{
	release_client(shim, connection);
	connection->attached = NULL;
	if (connection == shim->owner)
		end_with_owner(shim);
	unwatch(shim, &connection->source);
	for (struct process *asking = shim->processes; asking; asking = asking->next) {
		if (asking->asker != connection)
			continue;
		asking->asker = NULL;
		if (asking == shim->init && asking->state == PROCESS_STARTING)
			kill(asking->pid, SIGKILL); /* nobody will ever know of it */
	}
}

static struct message begin_reply(uint8_t type, uint32_t request)
{
	struct message frame = { 0 };
	begin_frame(&frame, type);
	put_u32(&frame, request);
	return frame;
}

static void send_frame(struct shim *shim, struct connection *connection, struct message *frame)
{
	if (connection->source.fd >= 0 && finish_frame(frame))
		send_bytes(shim, connection, frame->data, frame->size);
	else
		drop_connection(shim, connection);
	free_message(frame);
}

static void reply_done(struct shim *shim, struct connection *connection, uint32_t request)
{
	struct message frame = begin_reply(FRAME_DONE, request);
	send_frame(shim, connection, &frame);
}

static void reply_failure(struct shim *shim, struct connection *connection, uint32_t request, const struct failure *failure)
{
	struct message frame = begin_reply(FRAME_FAILED, request);
	put_failure(&frame, failure);
	send_frame(shim, connection, &frame);
}

/* The reply to create, start or exec. */
void answer(struct shim *shim, struct process *process)
{
	struct connection *asker = process->asker;
	process->asker = NULL;
	if (process->started)
		attach_awaiting(shim, process);
	if (!asker)
		return;
	if (process->failure.error < 0) {
		reply_failure(shim, asker, process->request, &process->failure);
		return;
	}
	struct message frame = begin_reply(FRAME_DONE, process->request);
	put_u32(&frame, (uint32_t)getpid());
	put_u32(&frame, (uint32_t)process->pid);
	send_frame(shim, asker, &frame);
}

static void put_process(struct message *body, const struct process *process)
{
	put_sized(body, process->id, strlen(process->id));
	put_u32(body, (uint32_t)process->pid);
	put_u32(body, process->state);
	put_u32(body, (uint32_t)process->exit_code);
	put_u64(body, (uint64_t)process->ended_at.tv_sec);
	put_u32(body, (uint32_t)process->ended_at.tv_nsec);
}

void announce_exit(struct shim *shim, const struct process *process)
{
	for (struct connection *connection = shim->connections; connection; connection = connection->next) {
		if (connection->source.fd < 0 || !connection->informed)
			continue;
		struct message frame = { 0 };
		begin_frame(&frame, FRAME_EXIT);
		put_process(&frame, process);
		send_frame(shim, connection, &frame);
	}
}

static struct io_request read_io(struct reader *reader)
{
	struct io_request io = { .kind = read_u32(reader) };
	uint32_t flags = read_u32(reader);
	io.terminal = flags & 1;
	io.wants_stdin = flags & 2;
	io.stdin_once = flags & 4;
	io.has_log = flags & 8;
	for (int i = 0; i < 3; i++)
		io.paths[i] = read_string(reader);
	io.log_path = read_string(reader);
	io.log_max_size = read_u64(reader);
	io.log_max_files = read_u32(reader);
	io.log_attrs = read_bytes(reader);
	return io;
}

static struct process *add_process(struct shim *shim, const char *id)
{
	struct process *process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	strncpy(process->id, id, sizeof(process->id) - 1);
	process->sync.fd = -1;
	init_stdio(process);
	process->next = shim->processes;
	shim->processes = process;
	return process;
}

/* create and exec: the frame's memory goes to the plan. */
static int make_process(struct shim *shim, struct connection *connection, struct reader *reader, struct frame *frame, uint32_t request)
{
	bool init = frame->type == FRAME_CREATE;
	const char *id = init ? "" : read_string(reader);
	if (strlen(id) >= ID_MAX || strchr(id, '/') || find_process(shim, id))
		return -EEXIST;
	if (!init && (!shim->init || shim->init->state >= PROCESS_ENDED))
		return -ESRCH;
	struct io_request io = read_io(reader);
	struct process *process = add_process(shim, id);
	if (!process)
		return -ENOMEM;
	int error = read_plan(reader, &process->plan);
	if (error == 0 && init)
		error = read_plan(reader, &shim->undo);
	if (error == 0 && reader->bad)
		error = -EBADMSG;
	process->plan.memory = *frame;
	*frame = (struct frame){ 0 };
	if (init)
		shim->init = process;
	process->asker = connection;
	process->request = request;
	if (error == 0)
		error = start_process(shim, process, &io);
	if (error == 0)
		return 0;
	process->asker = NULL;
	process->state = PROCESS_REPORTED;
	if (init)
		run_undo(shim);
	return error;
}

/* What goes before the container, and what comes after it. The frame's memory goes to the second. */
static int take_will(struct shim *shim, struct connection *connection, struct reader *reader, struct frame *frame)
{
	if (shim->owner && shim->owner != connection)
		return -EEXIST;
	free_plan(&shim->will);
	struct plan first = { 0 };
	int error = read_plan(reader, &first);
	if (error == 0)
		error = read_plan(reader, &shim->will);
	if (error == 0) {
		struct context context;
		init_context(&context);
		error = run_plan(&context, &first);
		free_message(&context.results);
		shim->will.memory = *frame;
		*frame = (struct frame){ 0 };
		shim->owner = connection;
	}
	free_plan(&first);
	return error;
}

static int start_init(struct shim *shim, struct connection *connection, uint32_t request)
{
	struct process *init = shim->init;
	if (!init || init->state >= PROCESS_ENDED)
		return -ESRCH;
	if (init->state != PROCESS_CREATED || init->asker)
		return -EINVAL;
	init->asker = connection;
	init->request = request;
	release_start(init);
	return 0;
}

static int on_process(struct shim *shim, struct reader *reader, uint8_t type)
{
	struct process *process = find_process(shim, read_string(reader));
	uint32_t first = type == FRAME_CLOSE_STDIN ? 0 : read_u32(reader);
	uint32_t second = type == FRAME_RESIZE ? read_u32(reader) : 0;
	if (reader->bad)
		return -EBADMSG;
	if (!process || process->state >= PROCESS_ENDED)
		return -ESRCH;
	struct winsize size = { .ws_row = (unsigned short)first, .ws_col = (unsigned short)second };
	if (type == FRAME_KILL)
		return kill(process->pid, (int)first) < 0 ? -errno : 0;
	if (type == FRAME_RESIZE)
		return process->terminal < 0 ? -ENOTTY : ioctl(process->terminal, TIOCSWINSZ, &size) < 0 ? -errno : 0;
	if (process->terminal < 0)
		end_input(shim, process);
	return 0;
}

static void reply_status(struct shim *shim, struct connection *connection, uint32_t request)
{
	struct message frame = begin_reply(FRAME_DONE, request);
	put_u32(&frame, (uint32_t)getpid());
	for (const struct process *process = shim->processes; process; process = process->next)
		put_process(&frame, process);
	send_frame(shim, connection, &frame);
}

static int attach(struct shim *shim, struct connection *connection, struct reader *reader, uint32_t request)
{
	const char *id = read_string(reader);
	struct process *process = find_process(shim, id);
	uint32_t flags = read_u32(reader);
	if (reader->bad)
		return -EBADMSG;
	bool later = flags & 8 && id[0] && strlen(id) < ID_MAX && (!process || process->state < PROCESS_RUNNING);
	if (!later && (!process || process->state == PROCESS_REPORTED))
		return -ESRCH;
	reply_done(shim, connection, request);
	if (connection->source.fd < 0)
		return 0;
	if (later)
		attach_later(shim, connection, id, flags);
	else
		attach_client(shim, connection, process, flags);
	return 0;
}

static void serve_request(struct shim *shim, struct connection *connection, struct frame *frame)
{
	struct reader reader = { .at = frame->body, .end = frame->body + frame->size };
	uint32_t request = read_u32(&reader);
	int error = 0;
	connection->informed |= frame->type == FRAME_CREATE || frame->type == FRAME_STATUS;
	switch (frame->type) {
	case FRAME_CREATE:
	case FRAME_EXEC:
		error = make_process(shim, connection, &reader, frame, request);
		break;
	case FRAME_START:
		error = start_init(shim, connection, request);
		break;
	case FRAME_ATTACH:
		error = attach(shim, connection, &reader, request);
		break;
	case FRAME_WILL:
		error = take_will(shim, connection, &reader, frame);
		if (error == 0)
			reply_done(shim, connection, request);
		break;
	case FRAME_STATUS:
		reply_status(shim, connection, request);
		break;
	case FRAME_KILL:
	case FRAME_RESIZE:
	case FRAME_CLOSE_STDIN:
		error = on_process(shim, &reader, frame->type);
		if (error == 0)
			reply_done(shim, connection, request);
		break;
	default:
		error = -EBADMSG;
	}
	if (error < 0)
		reply_failure(shim, connection, request, &(struct failure){ .error = error });
}

/* A daemon that stops in the middle of a request must not stop the container's streams. */
void control_ready(struct shim *shim, struct source *source, uint32_t events)
{
	struct connection *connection = container_of(source, struct connection, source);
	if (events & EPOLLOUT && connection->source.kept.data)
		flush_connection(shim, connection);
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)) || source->fd < 0)
		return;
	int result = take_frame(source->fd, &connection->request);
	if (result < 0)
		drop_connection(shim, connection);
	if (result <= 0)
		return;
	struct frame frame = connection->request.frame;
	connection->request = (struct incoming){ 0 };
	serve_request(shim, connection, &frame);
	free_frame(&frame);
}
