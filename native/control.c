/* Connections that ask: a shim's daemon, and the resident of a command's client. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops.gen.h"
#include "programs.h"
#include "supervisor.h"

static struct process *find_process(const struct supervisor *us, const char *id)
{
	struct process *process = us->processes;
	while (process && strcmp(process->id, id) != 0)
		process = process->next;
	return process;
}

struct process *find_living(const struct supervisor *us, const char *id)
{
	struct process *process = find_process(us, id);
	return process && process->state < PROCESS_ENDED ? process : NULL;
}

struct connection *add_connection(struct supervisor *us, int fd, enum role role)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	if (!connection) {
		close(fd);
		return NULL;
	}
	connection->source.fd = fd;
	connection->role = role;
	connection->next = us->connections;
	us->connections = connection;
	return connection;
}

void accept_connection(struct supervisor *us, int fd)
{
	if (peer_trusted(fd))
		add_connection(us, fd, ROLE_CONTROL);
	else
		close(fd);
}

/* The shim ends when they have ended. A copy of the connection stays open until then: its end says that the will is done. */
static void end_with_owner(struct supervisor *us)
{
	fcntl(us->owner->source.fd, F_DUPFD_CLOEXEC, 0);
	us->owner = NULL;
	run_each(&us->will, MARK_HOST); /* what frozen processes wait for */
	kill_all(us);
}

void drop_connection(struct supervisor *us, struct connection *connection)
{
	connection->attached = NULL;
	if (connection == us->owner)
		end_with_owner(us);
	close_source(&connection->source);
	for (struct process *asking = us->processes; asking; asking = asking->next) {
		if (asking->asker != connection)
			continue;
		asking->asker = NULL;
		if (asking == us->init && asking->state == PROCESS_STARTING)
			kill(asking->pid, SIGKILL); /* nobody will ever know of it */
	}
}

static void send_frame(struct supervisor *us, struct connection *connection, struct message *frame)
{
	if (connection->source.fd >= 0 && finish_frame(frame))
		send_bytes(us, connection, frame->data, frame->size);
	else
		drop_connection(us, connection);
	free_message(frame);
}

void reply(struct supervisor *us, struct connection *connection, uint32_t request, const void *data, size_t size)
{
	struct message frame = begin_frame(FRAME_DONE, request);
	put_bytes(&frame, data, size);
	send_frame(us, connection, &frame);
}

static void reply_failure(struct supervisor *us, struct connection *connection, uint32_t request, const struct failure *failure)
{
	struct message frame = begin_reply(request, failure);
	send_frame(us, connection, &frame);
}

void answer(struct supervisor *us, struct process *process)
{
	struct connection *asker = process->asker;
	const uint32_t pids[] = { (uint32_t)getpid(), (uint32_t)process->pid };
	process->asker = NULL;
	if (process->started)
		attach_awaiting(us, process);
	if (asker && process->failure.error < 0)
		reply_failure(us, asker, process->request, &process->failure);
	else if (asker)
		reply(us, asker, process->request, pids, sizeof(pids));
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

void announce_exit(struct supervisor *us, const struct process *process)
{
	for (struct connection *connection = us->connections; connection; connection = connection->next) {
		if (connection->source.fd < 0 || !connection->informed)
			continue;
		struct message frame = begin_frame(FRAME_EXIT, 0);
		put_process(&frame, process);
		send_frame(us, connection, &frame);
	}
}

/* What was decoded lies there. */
static void take_memory(struct request *request, struct plan *plan)
{
	plan->memory = *request->frame;
	*request->frame = (struct frame){ 0 };
}

int on_create(struct supervisor *us, struct request *request)
{
	const struct request_create *wanted = &request->create;
	bool init = wanted->id[0] == '\0';
	if (strlen(wanted->id) >= ID_MAX || strchr(wanted->id, '/') || find_process(us, wanted->id))
		return -EEXIST;
	if (!init && (!us->init || us->init->state >= PROCESS_ENDED))
		return -ESRCH;
	struct process *process = calloc(1, sizeof(*process));
	if (!process)
		return -ENOMEM;
	strcpy(process->id, wanted->id);
	init_streams(process);
	process->next = us->processes;
	us->processes = process;
	us->init = init ? process : us->init;
	request->from->informed = true;
	int error = read_plan(wanted->plan, &process->plan);
	if (error == 0)
		error = read_plan(wanted->undo, &us->undo);
	take_memory(request, &process->plan);
	process->asker = request->from;
	process->request = request->number;
	if (error == 0)
		error = start_process(us, process, wanted);
	if (error == 0)
		return 0;
	process->asker = NULL;
	process->state = PROCESS_REPORTED;
	if (init)
		run_each(&us->undo, 0);
	return error;
}

/* What comes after the container. */
int on_will(struct supervisor *us, struct request *request)
{
	if (us->owner && us->owner != request->from)
		return -EEXIST;
	free_plan(&us->will);
	int error = read_plan(request->will.plan, &us->will);
	take_memory(request, &us->will);
	if (error < 0)
		return error;
	us->owner = request->from;
	return 1;
}

/* In a process of its own: namespaces that the operations enter are not for us. */
int on_plan(struct supervisor *us, struct request *request)
{
	(void)us;
	pid_t pid = fork();
	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (pid != 0)
		return pid < 0 ? -errno : 0;
	serve_plan(request->from->source.fd, request->number, request->plan.plan);
	_exit(0);
}

int on_start(struct supervisor *us, struct request *request)
{
	struct process *init = us->init;
	if (!init || init->state >= PROCESS_ENDED)
		return -ESRCH;
	if (init->state != PROCESS_CREATED || init->asker)
		return -EINVAL;
	init->asker = request->from;
	init->request = request->number;
	release_start(init);
	return 0;
}

int on_kill(struct supervisor *us, struct request *request)
{
	(void)us;
	return kill(request->kill.process->pid, (int)request->kill.signal) < 0 ? -errno : 1;
}

int on_resize(struct supervisor *us, struct request *request)
{
	const struct request_resize *wanted = &request->resize;
	const struct process *process = wanted->process;
	struct winsize size = { .ws_row = (unsigned short)wanted->rows, .ws_col = (unsigned short)wanted->columns };
	(void)us;
	/* A process without a terminal has no size to set; Docker's clients may ask all the same. */
	return process->terminal < 0 ? 1 : ioctl(process->terminal, TIOCSWINSZ, &size) < 0 ? -errno : 1;
}

int on_close_stdin(struct supervisor *us, struct request *request)
{
	struct process *process = request->close_stdin.process;
	if (process->terminal < 0)
		close_input(us, process);
	return 1;
}

int on_status(struct supervisor *us, struct request *request)
{
	struct message frame = begin_frame(FRAME_DONE, request->number);
	request->from->informed = true;
	put_u32(&frame, (uint32_t)getpid());
	for (const struct process *process = us->processes; process; process = process->next)
		put_process(&frame, process);
	send_frame(us, request->from, &frame);
	return 0;
}

int on_attach(struct supervisor *us, struct request *request)
{
	const struct request_attach *wanted = &request->attach;
	struct connection *client = request->from;
	struct process *process = find_process(us, wanted->id);
	bool later = wanted->early && wanted->id[0] && strlen(wanted->id) < ID_MAX && (!process || process->state < PROCESS_RUNNING);
	if (!later && (!process || process->state == PROCESS_REPORTED))
		return -ESRCH;
	reply(us, client, request->number, NULL, 0);
	client->role = ROLE_CLIENT;
	client->feeds = wanted->stdin;
	client->streams[1] = wanted->stdout;
	client->streams[2] = wanted->stderr;
	if (later)
		strcpy(client->awaited, wanted->id);
	else
		attach_client(client, process);
	return 0;
}

/* A daemon that stops in the middle of a request must not stop the container's streams. */
void control_ready(struct supervisor *us, struct source *source, short events)
{
	struct connection *connection = container_of(source, struct connection, source);
	if (events & POLLOUT && source->kept.data)
		flush_connection(us, connection);
	if (!(events & (POLLIN | POLLHUP | POLLERR)) || source->fd < 0)
		return;
	int result = take_frame(source->fd, &connection->incoming);
	if (result < 0)
		drop_connection(us, connection);
	if (result <= 0)
		return;
	struct frame frame = connection->incoming.frame;
	struct request request = { .from = connection, .frame = &frame };
	connection->incoming = (struct incoming){ 0 };
	result = serve_request(us, &request);
	if (result < 0)
		reply_failure(us, connection, request.number, &(struct failure){ .error = result });
	else if (result > 0)
		reply(us, connection, request.number, NULL, 0);
	free_frame(&frame);
}
