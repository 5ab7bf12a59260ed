/* The client of a command: serves its resident as an executor. The resident decides; what a caller of the command must be the parent of,
 * or must have given (streams, descriptors, signals), is here. See PROTOCOL.md. */
#define _GNU_SOURCE
#include "runc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "ops.gen.h"
#include "relay.h"
#include "sealed.h"
#include "zygote.h"

enum { CONNECTION = 128, FAILED = 1, FOREGROUND = 1 };

struct client {
	bool taken; /* the resident has the command */
	bool lost; /* the resident is gone */
	bool waits; /* the child's end is the command's */
	bool executed, created, cloned;
	uint32_t flags;
	struct plan plan;
	struct failure failure;
	struct relay relay;
	const char *console; /* path of a socket that gets the terminal */
	pid_t pid; /* 0: none */
	int sync, signals;
	int code; /* of the child that has ended; -1: it goes on */
};

static void send_frame(struct message *frame)
{
	if (finish_frame(frame))
		write_all(CONNECTION, frame->data, frame->size); /* a resident that is gone is seen when it is read from */
	free_message(frame);
}

static void send_number(uint8_t type, uint32_t number)
{
	struct message frame = { 0 };
	begin_frame(&frame, type);
	put_u32(&frame, number);
	send_frame(&frame);
}

static void put_text(struct message *frame, const char *text)
{
	put_sized(frame, text, strlen(text));
}

static void put_texts(struct message *frame, char **texts)
{
	uint32_t count = 0;
	while (texts[count])
		count++;
	put_u32(frame, count);
	for (uint32_t i = 0; i < count; i++)
		put_text(frame, texts[i]);
}

static void say_hello(char **arguments)
{
	struct message frame = { 0 };
	char *directory = getcwd(NULL, 0);
	begin_frame(&frame, RUNC_HELLO);
	put_u32(&frame, (uint32_t)getpid());
	put_u32(&frame, (uint32_t)(isatty(0) | isatty(1) << 1 | isatty(2) << 2));
	put_text(&frame, directory ? directory : "/");
	put_texts(&frame, arguments);
	put_texts(&frame, environ);
	free(directory);
	send_frame(&frame);
}

static void note_failure(struct client *client, const struct failure *failure)
{
	if (client->failure.error == 0) /* the first one is the cause */
		client->failure = *failure;
}

static int exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void await_end(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void abandon_child(struct client *client)
{
	if (client->pid > 0 && client->code < 0) {
		kill(client->pid, SIGKILL);
		await_end(client->pid);
	}
	client->pid = 0;
	close_fd(&client->sync);
	end_relay(&client->relay);
}

/* The name that goes with the terminal is for people. */
static int give_terminal(const char *path, int master)
{
	return send_fd_to(path, "/dev/ptmx", sizeof("/dev/ptmx") - 1, master);
}

static void take_terminal(struct client *client, int master)
{
	if (client->console && *client->console) {
		int error = give_terminal(client->console, master);
		if (error < 0) {
			note_failure(client, &(struct failure){ .error = error, .call = "console-socket" });
			kill(client->pid, SIGKILL);
		}
		close(master);
	} else if (client->flags & FOREGROUND && client->relay.master < 0) {
		begin_relay(&client->relay, master);
	} else {
		close(master);
	}
}

static void learn_pid(struct client *client, pid_t pid)
{
	if (!client->cloned)
		await_end(client->pid); /* the process that cloned: it ends now */
	client->pid = pid;
	client->cloned = true;
}

static void child_says(struct client *client, const struct sync_message *message)
{
	if (message->kind == SYNC_PID) {
		learn_pid(client, message->pid);
	} else if (message->kind == SYNC_HOST) {
		const struct failure failure = run_host_row(&client->plan, message->at.index, client->pid, client->sync);
		note_failure(client, &failure);
	} else if (message->kind == SYNC_CREATED) {
		client->created = true;
		send_number(RUNC_CREATED, (uint32_t)client->pid);
	} else if (message->kind == SYNC_FAILED) {
		note_failure(client, &message->at);
	}
}

/* The connection has ended: the program was executed, or the process is gone. */
static void child_silent(struct client *client)
{
	struct message frame = { 0 };
	close_fd(&client->sync);
	if (!client->cloned || (has_mark(&client->plan, MARK_AWAITS_START) && !client->created))
		note_failure(client, &(struct failure){ .error = -ECHILD, .call = "setup" });
	client->executed = client->failure.error == 0;
	if (client->executed) {
		send_number(RUNC_EXECUTED, (uint32_t)client->pid);
		return;
	}
	abandon_child(client);
	begin_frame(&frame, RUNC_CHILD_FAILED);
	put_failure(&frame, &client->failure);
	send_frame(&frame);
}

static void take_sync(struct client *client)
{
	struct sync_message message = { 0 };
	int carried;
	ssize_t n = sync_receive(client->sync, &message, &carried);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != (ssize_t)sizeof(message)) {
		child_silent(client);
		return;
	}
	if (carried >= 0 && message.kind == SYNC_KEEP && message.at.index < SLOT_COUNT && slot_fd(message.at.index) < CONNECTION)
		dup3(carried, slot_fd(message.at.index), O_CLOEXEC);
	if (carried >= 0 && message.kind == SYNC_FD)
		take_terminal(client, carried);
	else if (carried >= 0)
		close(carried);
	child_says(client, &message);
}

static void reap(struct client *client)
{
	int status;
	pid_t pid;
	while (client->waits && client->code < 0 && (pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == client->pid)
			client->code = exit_code(status);
}

/* What is sent to the command is for the process that it stands for. */
static void take_signals(struct client *client)
{
	struct signalfd_siginfo taken;
	while (read(client->signals, &taken, sizeof(taken)) == (ssize_t)sizeof(taken)) {
		if (taken.ssi_signo == SIGWINCH)
			resize_relay(&client->relay);
		else if (taken.ssi_signo != SIGCHLD && client->pid > 0 && client->code < 0)
			kill(client->pid, (int)taken.ssi_signo);
	}
}

static void catch_signals(struct client *client)
{
	sigset_t all;
	sigfillset(&all);
	for (int fault = 0; fault < 5; fault++)
		sigdelset(&all, (const int[]){ SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGPIPE }[fault]);
	sigprocmask(SIG_BLOCK, &all, NULL);
	client->signals = fcntl(signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK), F_DUPFD_CLOEXEC, CONNECTION);
}

static int start_child(struct client *client, struct reader *reader)
{
	int ends[2];
	uint32_t preserved = read_u32(reader);
	client->flags = read_u32(reader);
	client->console = read_string(reader);
	int error = reader->bad ? -EBADMSG : read_plan(reader, &client->plan);
	if (error < 0)
		return error;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	if (client->flags & FOREGROUND) {
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
		catch_signals(client);
	}
	client->sync = fcntl(ends[0], F_DUPFD_CLOEXEC, CONNECTION);
	int childs = fcntl(ends[1], F_DUPFD_CLOEXEC, CONNECTION);
	const struct child_setup setup = {
		.sync = childs, .stdio = (const int[]){ 0, 1, 2 }, .preserved = preserved, .dies_with_us = !clones_first(&client->plan)
	};
	close(ends[0]);
	close(ends[1]);
	client->cloned = clones_first(&client->plan) || !has_mark(&client->plan, MARK_CLONES);
	client->pid = fork_child(&client->plan, &setup);
	error = client->pid < 0 ? -errno : 0;
	close_fd(&childs);
	return error;
}

static void begin_child(struct client *client, struct frame *frame)
{
	struct reader reader = { .at = frame->body, .end = frame->body + frame->size };
	client->plan.memory = *frame; /* the operations point into it */
	struct plan kept = client->plan;
	int error = start_child(client, &reader);
	client->plan.memory = kept.memory;
	*frame = (struct frame){ 0 };
	if (error == 0)
		return;
	note_failure(client, &(struct failure){ .error = error, .call = "clone" });
	child_silent(client);
}

/* In a process of its own: namespaces that the plan enters are not for us. */
static void run_plan_apart(struct frame *frame)
{
	pid_t pid = fork();
	if (pid == 0) {
		serve_plan(CONNECTION, frame);
		_exit(0);
	}
	await_end(pid);
}

/* A caller's pipe may be one that does not wait. */
static void write_out(struct reader *reader)
{
	int fd = (int)read_u32(reader);
	struct bytes bytes = read_bytes(reader);
	for (uint32_t done = 0; !reader->bad && done < bytes.size;) {
		ssize_t n = write(fd, bytes.data + done, bytes.size - done);
		if (n < 0 && errno == EAGAIN)
			poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
		else if (n < 0 && errno != EINTR)
			return;
		else if (n > 0)
			done += (uint32_t)n;
	}
}

static void send_input(void)
{
	static uint8_t data[64 << 10];
	struct message frame = { 0 };
	ssize_t n;
	begin_frame(&frame, RUNC_INPUT);
	while ((n = read(STDIN_FILENO, data, sizeof(data))) > 0)
		put_bytes(&frame, data, (size_t)n);
	send_frame(&frame);
}

static void seal(void)
{
	char *arguments[] = { "gantry-runc", "runc-sealed", NULL };
	if (sealed())
		return;
	fcntl(CONNECTION, F_SETFD, 0);
	run_sealed(arguments);
	perror("gantry-runc: cannot run from memory");
	_exit(FAILED);
}

/* The exit code of the command, or -1. */
static int obey(struct client *client, struct frame *frame)
{
	struct reader reader = { .at = frame->body, .end = frame->body + frame->size };
	client->taken = true;
	switch (frame->type) {
	case RUNC_WRITE:
		write_out(&reader);
		break;
	case RUNC_SEAL:
		seal();
		break;
	case FRAME_PLAN:
		run_plan_apart(frame);
		break;
	case RUNC_CHILD:
		begin_child(client, frame);
		break;
	case RUNC_GO:
		sync_send(client->sync, &(struct sync_message){ .kind = SYNC_GO }, -1);
		break;
	case RUNC_WAIT:
		client->waits = true;
		break;
	case RUNC_READ:
		send_input();
		break;
	case RUNC_EXIT:
		return (int)read_u32(&reader);
	default: /* the resident has the command: nothing else to do */
		break;
	}
	return -1;
}

/* Without the resident: a process that runs for the caller goes on, anything else is given up. */
static int lose_resident(struct client *client)
{
	client->lost = true;
	if (client->waits)
		return -1;
	abandon_child(client);
	if (client->taken)
		dprintf(STDERR_FILENO, "gantry-runc: the resident has ended\n");
	return FAILED;
}

static int take_order(struct client *client)
{
	struct frame frame = { 0 };
	if (read_frame(CONNECTION, &frame) < 0)
		return lose_resident(client);
	int code = obey(client, &frame);
	free_frame(&frame);
	return code;
}

static int serve(struct client *client)
{
	bool told = false;
	int code = -1;
	while (code < 0) {
		struct pollfd watched[] = {
			{ .fd = client->lost ? -1 : CONNECTION, .events = POLLIN },
			{ .fd = client->sync, .events = POLLIN },
			{ .fd = client->waits ? client->signals : -1, .events = POLLIN },
			{ .fd = relay_input(&client->relay), .events = POLLIN },
			{ .fd = client->relay.master, .events = POLLIN },
		};
		if (poll(watched, sizeof(watched) / sizeof(*watched), -1) < 0 && errno != EINTR)
			return FAILED;
		if (watched[1].revents)
			take_sync(client);
		if (watched[2].revents)
			take_signals(client);
		if (watched[3].revents)
			relay_keys(&client->relay);
		if (watched[4].revents)
			relay_output(&client->relay);
		reap(client);
		if (client->code >= 0 && !told) {
			end_relay(&client->relay);
			send_number(RUNC_ENDED, (uint32_t)client->code);
			told = true;
		}
		if (told && client->lost)
			return client->code;
		if (watched[0].revents)
			code = take_order(client);
	}
	end_relay(&client->relay);
	return code;
}

static int serve_connection(struct client *client)
{
	*client = (struct client){ .sync = -1, .signals = -1, .code = -1, .relay = { .master = -1 } };
	return serve(client);
}

int runc_sealed_main(void)
{
	struct client client;
	fcntl(CONNECTION, F_SETFD, FD_CLOEXEC);
	prctl(PR_SET_NAME, "gantry-runc", 0, 0, 0);
	return serve_connection(&client);
}

static void open_missing_streams(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
}

int runc_main(char *launcher, const char *build, char **arguments)
{
	enum { TRIES = 5 };
	struct client client = { 0 };
	open_missing_streams();
	prctl(PR_SET_NAME, "gantry-runc", 0, 0, 0);
	for (int tries = 0; tries < TRIES && !client.taken; tries++) { /* a resident may end just as we come */
		int fd = connect_resident(launcher, build);
		if (fd < 0)
			return FAILED;
		if (dup3(fd, CONNECTION, O_CLOEXEC) < 0) {
			perror("gantry-runc: descriptors are limited to fewer than it needs");
			return FAILED;
		}
		close(fd);
		say_hello(arguments);
		int code = serve_connection(&client);
		if (client.taken)
			return code;
	}
	dprintf(STDERR_FILENO, "gantry-runc: the resident does not answer\n");
	return FAILED;
}
