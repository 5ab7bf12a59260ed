/* A service that says when it is ready (sd_notify(3)) says it to us; the manager hears it from a process of its own unit. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "run.h"

enum { BARRIER_MS = 30 * 1000 };

/* A path, or with "@" a name without one. */
static int open_datagrams(const char *path, int (*use)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t size = strlen(path);
	if (size >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, size);
	if (*path == '@')
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && use(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) < 0)
		close_fd(&fd);
	return fd;
}

/* Whoever takes the message closes what came along: then it knows all that was said before. */
static void await_barrier(int manager)
{
	int ends[2];
	if (pipe(ends) < 0 || send_fd(manager, "BARRIER=1", sizeof("BARRIER=1") - 1, ends[1]) < 0)
		return;
	close(ends[1]);
	poll(&(struct pollfd){ .fd = ends[0], .events = POLLIN }, 1, BARRIER_MS);
}

static void tell(int manager, const char *line, size_t size, uint32_t main_pid)
{
	char text[64];
	send(manager, line, size, MSG_NOSIGNAL);
	if (main_pid == 0)
		return;
	int written = snprintf(text, sizeof(text), "MAINPID=%u\n", main_pid);
	send(manager, text, (size_t)written, MSG_NOSIGNAL);
	await_barrier(manager);
}

/* The first line that begins with READY=, up to behind its end; NULL: none. `text` begins with a line's end and ends with one. */
static const char *find_ready(const char *text, size_t *size)
{
	const char *found = strstr(text, "\nREADY=");
	if (!found)
		return NULL;
	*size = (size_t)(strchr(found + 1, '\n') - found);
	return found + 1;
}

static void relay(int service, int process, int manager, uint32_t main_pid)
{
	char text[4096] = "\n";
	for (;;) {
		size_t size;
		struct pollfd watched[] = { { .fd = service, .events = POLLIN }, { .fd = process, .events = POLLIN } };
		if (poll(watched, 2, -1) < 0 && errno != EINTR)
			return;
		if (watched[0].revents == 0) {
			if (watched[1].revents)
				return; /* it ended without a word */
			continue;
		}
		ssize_t n = recv(service, text + 1, sizeof(text) - 3, 0);
		memcpy(text + 1 + (n < 0 ? 0 : n), "\n", 2);
		const char *line = find_ready(text, &size);
		if (line) {
			tell(manager, line, size, main_pid);
			return;
		}
	}
}

int do_relay_readiness(struct context *context, const struct op_relay_readiness *op)
{
	cleanup_fd int process = (int)syscall(SYS_pidfd_open, (pid_t)op->pid, 0);
	if (process < 0)
		return fail(context, "pidfd_open");
	cleanup_fd int manager = open_datagrams(op->to, connect);
	if (manager < 0)
		return fail(context, "connect");
	cleanup_fd int service = open_datagrams(op->path, bind);
	if (service < 0 || chmod(op->path, 0777) < 0)
		return fail(context, "bind");
	pid_t pid = fork();
	if (pid < 0)
		return fail(context, "fork");
	if (pid > 0) {
		put_result(context, &pid, sizeof(pid));
		return 0;
	}
	dup2(service, 0); /* nothing of the caller's stays open */
	dup2(process, 1);
	dup2(manager, 2);
	syscall(SYS_close_range, 3, ~0U, 0);
	relay(0, 1, 2, op->main);
	_exit(0);
}
