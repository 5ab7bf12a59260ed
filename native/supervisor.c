/* One loop over connections, children and their streams. What is worth waiting for follows, each time anew, from the state of things. */
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef void ready_function(struct supervisor *us, struct source *source, short events);

enum { MOST_WATCHED = 4096 };

/* Of one turn of the loop; what is too much waits for another. */
static struct {
	size_t count;
	struct pollfd polled[MOST_WATCHED];
	struct {
		struct source *source;
		ready_function *ready;
	} watched[MOST_WATCHED];
} turn;

static void watch(struct source *source, short events, ready_function *ready)
{
	if (source->fd < 0 || events == 0 || turn.count == MOST_WATCHED)
		return;
	turn.polled[turn.count] = (struct pollfd){ .fd = source->fd, .events = events };
	turn.watched[turn.count].source = source;
	turn.watched[turn.count++].ready = ready;
}

void close_source(struct source *source)
{
	close_fd(&source->fd);
	free(source->kept.data);
	memset(&source->kept, 0, sizeof(source->kept));
}

int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int flush_source(struct source *source)
{
	ssize_t n = write(source->fd, source->kept.data, source->kept.size);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	source->kept.size -= (size_t)n;
	memmove(source->kept.data, source->kept.data + n, source->kept.size);
	if (source->kept.size > 0)
		return 0;
	free(source->kept.data);
	source->kept.data = NULL;
	return 1;
}

int write_source(struct source *source, const uint8_t *data, size_t size)
{
	ssize_t n = source->kept.data ? 0 : write(source->fd, data, size);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	size_t taken = n < 0 ? 0 : (size_t)n;
	if (taken == size)
		return 1;
	uint8_t *grown = realloc(source->kept.data, source->kept.size + size - taken);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + source->kept.size, data + taken, size - taken);
	source->kept.data = grown;
	source->kept.size += size - taken;
	return 0;
}

/* A process that only cloned the real one became a zombie before it left us its child, and is found first. */
void reap(struct supervisor *us)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct process *process = us->processes;
		while (process && (process->pid != pid || process->state >= PROCESS_ENDED)) /* a number may have come again */
			process = process->next;
		if (process && !process->cloned)
			drain_sync(us, process); /* its last message may be the clone's pid */
		if (process && process->pid == pid && process->state < PROCESS_ENDED)
			process_exited(us, process, status);
	}
}

static void signals_ready(struct supervisor *us, struct source *source, short events)
{
	(void)events;
	struct signalfd_siginfo taken;
	while (read(source->fd, &taken, sizeof(taken)) == (ssize_t)sizeof(taken)) {
		if (taken.ssi_signo == SIGCHLD)
			reap(us);
		else if (us->init && taken.ssi_signo == SIGWINCH)
			follow_size(us->init);
		else if (us->init && us->init->state < PROCESS_ENDED)
			kill(us->init->pid, (int)taken.ssi_signo);
	}
}

void catch_signals(struct supervisor *us, const sigset_t *caught)
{
	sigprocmask(SIG_BLOCK, caught, NULL);
	cleanup_fd int fd = signalfd(-1, caught, SFD_CLOEXEC | SFD_NONBLOCK);
	us->signals.fd = fcntl(fd, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
}

static void listener_ready(struct supervisor *us, struct source *source, short events)
{
	(void)events;
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		accept_connection(us, fd);
}

static void watch_all(struct supervisor *us)
{
	turn.count = 0;
	watch(&us->listener, POLLIN, listener_ready);
	watch(&us->signals, us->reaps ? POLLIN : 0, signals_ready);
	for (struct process *process = us->processes; process; process = process->next) {
		short output = may_read(us, process) ? POLLIN : 0;
		watch(&process->sync, POLLIN, sync_ready);
		watch(&process->outputs[0].source, output, output_ready);
		watch(&process->outputs[1].source, output, output_ready);
		watch(&process->input, process->input.kept.data ? POLLOUT : 0, input_ready);
	}
	for (struct connection *connection = us->connections; connection; connection = connection->next)
		watch(&connection->source, connection_events(connection),
		      connection->role == ROLE_CONTROL ? control_ready : client_ready);
}

static void free_dropped(struct supervisor *us)
{
	for (struct connection **at = &us->connections; *at;) {
		struct connection *connection = *at;
		if (connection->source.fd >= 0) {
			at = &connection->next;
			continue;
		}
		*at = connection->next;
		free_frame(&connection->incoming.frame);
		free(connection);
	}
}

static void free_reported_execs(struct supervisor *us)
{
	for (struct process **at = &us->processes; *at;) {
		struct process *process = *at;
		if (process == us->init || process->state != PROCESS_REPORTED || process->asker) {
			at = &process->next;
			continue;
		}
		*at = process->next;
		free_plan(&process->plan);
		free(process);
	}
}

void serve_events(struct supervisor *us, int timeout)
{
	watch_all(us);
	for (const struct process *process = us->processes; process; process = process->next)
		if (process->state == PROCESS_ENDED) /* its drain has a deadline */
			timeout = 100;
	int count = poll(turn.polled, turn.count, timeout);
	for (size_t i = 0; count > 0 && i < turn.count; i++) {
		struct source *source = turn.watched[i].source;
		if (turn.polled[i].revents && source->fd == turn.polled[i].fd) /* not closed meanwhile */
			turn.watched[i].ready(us, source, turn.polled[i].revents);
	}
	for (struct process *process = us->processes; process; process = process->next)
		report_if_drained(us, process);
	free_dropped(us);
	free_reported_execs(us);
}

void begin_supervising(struct supervisor *us)
{
	*us = (struct supervisor){ .listener.fd = -1, .signals.fd = -1, .mount_namespace = -1 };
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}
