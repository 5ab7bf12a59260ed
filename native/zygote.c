/* The zygote: an accept loop that forks a child for each connection. The child reads one request, serves it and ends, so namespaces that it
 * entered end with it and a slow operation holds up nobody. The zygote ends when its standard input does: its daemon is gone. */
#define _GNU_SOURCE
#include "programs.h"

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
#include <sys/un.h>
#include <unistd.h>

#include "ops.gen.h"
#include "run.h"

int listen_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(name);
	if (length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, name, length);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	mode_t before = umask(0177);
	unlink(name); /* of an earlier one that was killed */
	int error = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1024) < 0 ? -errno : 0;
	umask(before);
	if (error < 0)
		close(fd);
	return error < 0 ? error : fd;
}

int peer_trusted(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == geteuid());
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

/* One request. Then the process stays until the connection ends, and what it has mounted and opened with it. */
static void serve(int fd)
{
	struct incoming incoming = { 0 };
	struct frame *frame = &incoming.frame;
	int result;
	char ignored;
	signal(SIGCHLD, SIG_DFL);
	while ((result = take_frame(fd, &incoming)) == 0)
		;
	if (result > 0 && frame->type == FRAME_SHIM)
		become_shim(fd, frame);
	if (result < 0 || frame->type != FRAME_OPS)
		return;
	serve_plan(fd, 0, (struct bytes){ .data = frame->body, .size = (uint32_t)frame->size });
	free_frame(frame);
	while (read(fd, &ignored, sizeof(ignored)) < 0 && errno == EINTR)
		;
}

static void accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (fork() == 0) {
		close(listener);
		if (peer_trusted(fd))
			serve(fd);
		_exit(0);
	}
	close(fd);
}

int zygote_main(const char *socket_path)
{
	const char *slash = strrchr(socket_path, '/');
	int listener = listen_at(slash ? slash + 1 : socket_path);
	if (listener < 0) {
		fprintf(stderr, "gantry-exec: %s: %s\n", socket_path, strerror(-listener));
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN); /* children reap themselves */
	umask(0);
	fcntl(CHANNEL_FD, F_SETFD, FD_CLOEXEC); /* for plans, not for the programs that they run */
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
