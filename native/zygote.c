/* The zygote: an accept loop that forks a child for each connection. The child reads one request, serves it and ends, so namespaces that it
 * entered end with it and a slow operation holds up nobody. The zygote ends when its standard input does: its daemon is gone. */
#define _GNU_SOURCE
#include "zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "ops.gen.h"
#include "run.h"

/* A path that is too long for an address goes through the fd of its directory. */
static int name_socket(const char *path, struct sockaddr_un *address, int *directory)
{
	const char *base = strrchr(path, '/');
	char above[4096];
	if (strlen(path) < sizeof(address->sun_path)) {
		memcpy(address->sun_path, path, strlen(path) + 1);
		return 0;
	}
	if (!base || (size_t)(base - path) >= sizeof(above))
		return -1;
	memcpy(above, path, (size_t)(base - path));
	above[base - path] = '\0';
	*directory = open(above, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int n = snprintf(address->sun_path, sizeof(address->sun_path), "%s%s", path_of_fd(*directory).text, base);
	return *directory < 0 || (size_t)n >= sizeof(address->sun_path) ? -1 : 0;
}

int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_fd int directory = -1;
	if (name_socket(path, &address, &directory) < 0)
		return -ENAMETOOLONG;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	mode_t before = umask(0177);
	int failed = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1024) < 0;
	int error = errno;
	umask(before);
	if (!failed)
		return fd;
	close(fd);
	return -error;
}

int peer_trusted(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == geteuid());
}

/* A negative errno if nothing could be told: the end of the connection says it. */
static int reply_as(int fd, const struct context *context, uint8_t type, int error)
{
	struct message frame = { 0 };
	begin_frame(&frame, type);
	if (error < 0) {
		struct failure failure = failure_of(context, error);
		put_failure(&frame, &failure);
	} else {
		put_u32(&frame, context->result_count);
		put_bytes(&frame, context->results.data, context->results.size);
	}
	int written = context->results.failed || !finish_frame(&frame) ? -ENOMEM : write_all(fd, frame.data, frame.size);
	free_message(&frame);
	return written;
}

static void reply(int fd, const struct context *context, int error)
{
	reply_as(fd, context, error < 0 ? FRAME_FAILED : FRAME_DONE, error);
}

/* What there is so far: whoever writes the stream decides by it how to go on. */
static int flush_results(int fd, struct context *context)
{
	int error = reply_as(fd, context, FRAME_RESULTS, 0);
	context->results.size = 0;
	context->result_count = 0;
	return error;
}

void serve_plan(int fd, struct frame *frame)
{
	struct context context;
	struct plan plan = { 0 };
	struct reader reader = { .at = frame->body, .end = frame->body + frame->size };
	init_context(&context);
	context.call = "decode";
	int error = read_plan(&reader, &plan);
	if (error == 0)
		error = run_plan(&context, &plan);
	reply(fd, &context, error);
}

/* One frame of a stream: operations back to back. A negative errno stops the stream. */
static int run_stream_frame(struct context *context, const struct frame *frame)
{
	struct reader reader = { .at = frame->body, .end = frame->body + frame->size };
	while (reader.at < reader.end) {
		struct op op;
		context->call = "decode";
		int error = read_op(&reader, &op);
		if (error < 0)
			return error;
		error = run_op(context, &op);
		if (error < 0)
			return error;
		context->index++;
	}
	return 0;
}

static void serve_stream(int fd)
{
	struct context context;
	struct frame frame;
	init_context(&context);
	int error = 0;
	while (error == 0) {
		if (read_frame(fd, &frame) < 0) /* the other side gave up: nobody to tell */
			return;
		if (frame.type == FRAME_END)
			break;
		if (frame.type == FRAME_FLUSH) {
			free_frame(&frame);
			if (flush_results(fd, &context) < 0)
				return;
			continue;
		}
		error = frame.type == FRAME_OPS ? run_stream_frame(&context, &frame) : -EBADMSG;
		if (error == 0) /* else the failure's name is in it */
			free_frame(&frame);
	}
	reply(fd, &context, error);
	if (error < 0) { /* let the writer run into the reply, not into a reset connection */
		shutdown(fd, SHUT_WR);
		while (read_frame(fd, &frame) == 0)
			free_frame(&frame);
	}
}

/* The connection goes on as the shim's first one: fd 3. */
static void become_shim(int fd, struct frame *frame)
{
	struct reader reader = { .at = frame->body, .end = frame->body + frame->size };
	const char *id = read_string(&reader);
	const char *directory = read_string(&reader);
	if (reader.bad)
		return;
	dup2(fd, 3);
	fcntl(3, F_SETFD, 0);
	char *arguments[] = { "gantry-exec", "shim", (char *)(uintptr_t)id, (char *)(uintptr_t)directory, NULL };
	char *environment[] = { NULL };
	execve("/proc/self/exe", arguments, environment);
}

static void serve(int fd)
{
	struct frame frame;
	signal(SIGCHLD, SIG_DFL);
	if (!peer_trusted(fd) || read_frame(fd, &frame) < 0)
		return;
	if (frame.type == FRAME_PLAN)
		serve_plan(fd, &frame);
	else if (frame.type == FRAME_STREAM)
		serve_stream(fd);
	else if (frame.type == FRAME_SHIM)
		become_shim(fd, &frame);
}

static void accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (fork() == 0) {
		close(listener);
		serve(fd);
		_exit(0);
	}
	close(fd);
}

int zygote_main(const char *socket_path)
{
	unlink(socket_path);
	int listener = listen_at(socket_path);
	if (listener < 0) {
		fprintf(stderr, "gantry-exec: %s: %s\n", socket_path, strerror(-listener));
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN); /* children reap themselves */
	umask(0);
	if (write(STDOUT_FILENO, "ready\n", 6) < 0)
		return 1;
	struct pollfd watched[] = { { .fd = listener, .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN } };
	for (;;) {
		if (poll(watched, 2, -1) < 0 && errno != EINTR)
			return 1;
		if (watched[1].revents) {
			char ignored[64];
			if (read(STDIN_FILENO, ignored, sizeof(ignored)) <= 0)
				break;
		}
		if (watched[0].revents)
			accept_one(listener);
	}
	unlink(socket_path);
	return 0;
}
