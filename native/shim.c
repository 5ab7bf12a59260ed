/* The shim's life: one loop over its socket, its children and their streams. It ends by itself when its container has ended, the exit
 * is recorded and told, and every client has its part. */
#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "zygote.h"

enum { CREATOR = 3, LINGER_SECONDS = 10 };

bool shim_protected;

static void listener_ready(struct shim *shim, struct source *source, uint32_t events)
{
	(void)events;
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		accept_connection(shim, fd);
}

/* Whether what ended is only the process that cloned the real one. It may be reaped before its last message was heard. */
static bool is_forerunner(struct shim *shim, struct process *process)
{
	pid_t pid = process->pid;
	if (!process->cloned)
		drain_sync(shim, process);
	return process->pid != pid;
}

/* Whether the pid of a process is still to be told. */
static bool awaits_pid(const struct shim *shim)
{
	for (const struct process *process = shim->processes; process; process = process->next)
		if (process->state == PROCESS_STARTING && process->pid > 0 && !process->cloned)
			return true;
	return false;
}

static void take_exit(struct shim *shim, pid_t pid, int status)
{
	struct process *process = shim->processes;
	while (process && (process->pid != pid || process->state >= PROCESS_ENDED)) /* a number may have come again */
		process = process->next;
	if (process && !is_forerunner(shim, process) && process->state < PROCESS_ENDED)
		process_exited(shim, process, status);
}

/* The processes that are known come first. As long as a pid is awaited, any other child may be the one, and stays. */
static void reap(struct shim *shim)
{
	int status;
	pid_t pid;
	shim->may_reap = false;
	for (const struct process *process = shim->processes; process; process = process->next)
		if (process->pid > 0 && process->state < PROCESS_ENDED && (pid = waitpid(process->pid, &status, WNOHANG)) > 0)
			take_exit(shim, pid, status);
	while (!awaits_pid(shim) && (pid = waitpid(-1, &status, WNOHANG)) > 0)
		take_exit(shim, pid, status);
}

static void signals_ready(struct shim *shim, struct source *source, uint32_t events)
{
	(void)events;
	struct signalfd_siginfo ignored;
	while (read(source->fd, &ignored, sizeof(ignored)) > 0)
		;
	shim->may_reap = true;
}

static bool everything_reported(const struct shim *shim)
{
	for (const struct process *process = shim->processes; process; process = process->next)
		if (process->state != PROCESS_REPORTED)
			return false;
	return shim->init != NULL || shim->connections == NULL; /* whoever wanted a container is gone */
}

/* Milliseconds until something must be looked at without an event; -1: never. */
static int next_deadline(const struct shim *shim)
{
	for (const struct process *process = shim->processes; process; process = process->next)
		if (process->state == PROCESS_ENDED)
			return 100;
	return shim->finished ? 100 : -1;
}

static void free_dropped(struct shim *shim)
{
	for (struct connection **at = &shim->connections; *at;) {
		struct connection *connection = *at;
		if (connection->source.fd >= 0) {
			at = &connection->next;
			continue;
		}
		*at = connection->next;
		free_frame(&connection->request.frame);
		free(connection);
	}
}

static void free_reported_execs(struct shim *shim)
{
	for (struct process **at = &shim->processes; *at;) {
		struct process *process = *at;
		if (process == shim->init || process->state != PROCESS_REPORTED || process->asker) {
			at = &process->next;
			continue;
		}
		*at = process->next;
		free_plan(&process->plan);
		free(process);
	}
}

/* A slow client gets all of its output, however long it takes; then it has a while to close. */
static bool may_leave(struct shim *shim)
{
	struct timespec now;
	bool pending = false, ending = false;
	if (!everything_reported(shim) || shim->owner)
		return false;
	for (const struct connection *connection = shim->connections; connection; connection = connection->next) {
		pending |= connection->source.kept.data && connection->source.ready == client_ready;
		ending |= connection->ending;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!shim->finished || pending) {
		shim->finished = true;
		shim->leave_at = now.tv_sec + LINGER_SECONDS;
	}
	return !pending && (!ending || now.tv_sec >= shim->leave_at);
}

static void run_loop(struct shim *shim)
{
	enum { BATCH = 16 };
	struct epoll_event events[BATCH];
	while (!may_leave(shim)) {
		int count = epoll_wait(shim->epoll, events, BATCH, next_deadline(shim));
		for (int i = 0; i < count; i++) {
			struct source *source = events[i].data.ptr;
			if (source->fd >= 0 && source->events)
				source->ready(shim, source, events[i].events);
		}
		while (shim->may_reap)
			reap(shim);
		for (struct process *process = shim->processes; process; process = process->next)
			report_if_drained(shim, process);
		free_dropped(shim);
		free_reported_execs(shim);
	}
}

static int open_sources(struct shim *shim)
{
	char path[4096];
	sigset_t children;
	snprintf(path, sizeof(path), "%s/shim.sock", shim->directory);
	unlink(path); /* of an earlier shim that was killed */
	shim->epoll = epoll_create1(EPOLL_CLOEXEC);
	shim->listener = (struct source){ .fd = listen_at(path), .ready = listener_ready };
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	shim->signals = (struct source){
		.fd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK), .ready = signals_ready
	};
	if (shim->epoll < 0 || shim->listener.fd < 0 || shim->signals.fd < 0)
		return -1;
	watch(shim, &shim->listener, EPOLLIN);
	watch(shim, &shim->signals, EPOLLIN);
	accept_connection(shim, CREATOR);
	return 0;
}

/* Best effort: without CAP_SYS_RESOURCE the score cannot be lowered. Children go back to 0. */
static void keep_from_oom(void)
{
	cleanup_fd int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		shim_protected = write(fd, "-999", 4) == 4;
}

static void settle(void)
{
	setsid();
	umask(0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	prctl(PR_SET_NAME, "gantry-shim", 0, 0, 0);
	if (chdir("/") < 0)
		return;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	fcntl(CREATOR, F_SETFD, FD_CLOEXEC);
	syscall(SYS_close_range, CREATOR + 1, ~0U, 0);
	/* The slots' numbers are taken, so that none of our own fds gets one: host operations and children use them. */
	for (int slot = 0; slot <= SLOT_SYNC; slot++)
		dup3(STDIN_FILENO, SLOT_BASE + slot, O_CLOEXEC);
	keep_from_oom();
}

int shim_main(const char *id, const char *directory)
{
	struct shim shim = { .directory = directory, .mount_namespace = -1 };
	(void)id; /* for the process list */
	settle();
	if (open_sources(&shim) < 0)
		return 1;
	run_loop(&shim);
	shim.undo = shim.will;
	run_undo(&shim);
	return 0;
}
