/* A service that says when it is ready (sd_notify(3)) says it to us; the manager hears it from a process of its own unit. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run.h"

enum { BARRIER_MS = 30 * 1000 };

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

/* The service's socket, a pidfd of it, the manager's socket, and the pid to pass on as the main one or 0. */
long step_relay_readiness(struct machine *machine, const long a[])
{
	char text[4096] = "\n";
	(void)machine;
	for (;;) {
		size_t size;
		struct pollfd watched[] = { { .fd = (int)a[0], .events = POLLIN }, { .fd = (int)a[1], .events = POLLIN } };
		if (poll(watched, 2, -1) < 0 && errno != EINTR)
			return 0;
		if (watched[0].revents == 0) {
			if (watched[1].revents)
				return 0; /* it ended without a word */
			continue;
		}
		ssize_t n = recv((int)a[0], text + 1, sizeof(text) - 3, 0);
		memcpy(text + 1 + (n < 0 ? 0 : n), "\n", 2);
		const char *line = find_ready(text, &size);
		if (line) {
			tell((int)a[2], line, size, (uint32_t)a[3]);
			return 0;
		}
	}
}
