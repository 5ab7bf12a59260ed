/* A process of the container: from its plan to its exit record. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "shim.h"
#include "sync.h"

void run_undo(struct shim *shim)
{
	struct context context;
	init_context(&context);
	enum { TRIES = 50 };
	for (uint32_t i = 0; i < shim->undo.count; i++) { /* each on its own: one that fails must not keep the others */
		for (int tries = 0; run_op(&context, &shim->undo.ops[i]) == -EBUSY && tries < TRIES; tries++)
			usleep(1000); /* a cgroup whose last process is just going */
	}
	free_message(&context.results);
	free_plan(&shim->undo);
}

static void hold_mount_namespace(struct shim *shim, const struct process *process)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)process->pid);
	shim->mount_namespace = open(path, O_RDONLY | O_CLOEXEC);
}

static void be_created(struct shim *shim, struct process *process)
{
	if (process->state != PROCESS_STARTING) /* it has died since */
		return;
	process->state = PROCESS_CREATED;
	process->created = true;
	if (process == shim->init)
		hold_mount_namespace(shim, process);
	answer(shim, process);
}

/* The clone may have ended before the process that made it has told its pid. */
static void learn_pid(struct shim *shim, struct process *process, pid_t pid)
{
	process->pid = pid;
	process->cloned = true;
	shim->may_reap = true;
	if (process == shim->init && process->state == PROCESS_STARTING && !process->asker)
		kill(pid, SIGKILL); /* whoever wanted it went away when only the forerunner was known */
}

static void note_failure(struct process *process, const struct failure *failure)
{
	if (process->failure.error == 0) /* the first one is the cause */
		process->failure = *failure;
}

static void run_host_operations(struct process *process, uint32_t index)
{
	const struct failure failure = run_host_row(&process->plan, index, process->pid, process->sync.fd);
	note_failure(process, &failure);
}

static void sync_message(struct shim *shim, struct process *process, const struct sync_message *message, int carried)
{
	if (carried >= 0 && message->kind == SYNC_FD && process->outputs[0].source.fd < 0)
		attach_terminal(shim, process, carried);
	else if (carried >= 0)
		close(carried);
	if (message->kind == SYNC_PID)
		learn_pid(shim, process, message->pid);
	else if (message->kind == SYNC_HOST)
		run_host_operations(process, message->at.index);
	else if (message->kind == SYNC_CREATED)
		be_created(shim, process);
	else if (message->kind == SYNC_FAILED)
		note_failure(process, &message->at);
}

/* The init could not be made or started: nothing of it stays, and only then the answer is given. */
static void abandon_init(struct shim *shim, struct process *init)
{
	char path[4096];
	if (init->state < PROCESS_ENDED) {
		kill(init->pid, SIGKILL);
		while (waitpid(init->pid, NULL, 0) < 0 && errno == EINTR)
			;
		init->state = PROCESS_ENDED;
	}
	close_fd(&shim->mount_namespace);
	run_undo(shim);
	unwatch(shim, &shim->listener);
	snprintf(path, sizeof(path), "%s/shim.sock", shim->directory);
	unlink(path);
}

/* The connection has ended: the program was executed, or the process is gone. */
static void sync_ended(struct shim *shim, struct process *process)
{
	unwatch(shim, &process->sync);
	if (!process->cloned || (process->waits && !process->created))
		note_failure(process, &(struct failure){ .error = -ECHILD, .call = "setup" });
	process->started = process->failure.error == 0;
	if (process->started && process->state < PROCESS_RUNNING)
		process->state = PROCESS_RUNNING;
	if (process == shim->init && process->started)
		free_plan(&shim->undo);
	else if (process == shim->init)
		abandon_init(shim, process);
	answer(shim, process);
	free_plan(&process->plan);
}

/* Whether there was something to take. */
static bool take_sync(struct shim *shim, struct process *process)
{
	struct sync_message message = { 0 };
	int carried;
	ssize_t n = sync_receive(process->sync.fd, &message, &carried);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n == (ssize_t)sizeof(message))
		sync_message(shim, process, &message, carried);
	else if (n == 0 || (n < 0 && errno != EINTR))
		sync_ended(shim, process);
	return true;
}

void drain_sync(struct shim *shim, struct process *process)
{
	while (process->sync.fd >= 0 && take_sync(shim, process))
		;
}

static void sync_ready(struct shim *shim, struct source *source, uint32_t events)
{
	(void)events;
	take_sync(shim, container_of(source, struct process, sync));
}

int start_process(struct shim *shim, struct process *process, const struct io_request *io)
{
	struct stdio stdio = { .child = { -1, -1, -1 } };
	int ends[2] = { -1, -1 };
	int error = open_stdio(shim, process, io, &stdio);
	if (error == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		error = -errno;
	if (error == 0) {
		const struct child_setup setup = { .sync = ends[1], .stdio = stdio.child, .unprotect = shim_protected };
		process->cloned = clones_first(&process->plan) || !has_mark(&process->plan, MARK_CLONES);
		process->waits = has_mark(&process->plan, MARK_AWAITS_START);
		process->pid = fork_child(&process->plan, &setup);
		if (process->pid < 0)
			error = -errno;
	}
	for (int i = 0; i < 3; i++)
		close_fd(&stdio.child[i]);
	close_fd(&ends[1]);
	if (ends[0] >= 0)
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
	process->sync.fd = ends[0];
	process->sync.ready = sync_ready;
	if (error == 0)
		return watch(shim, &process->sync, EPOLLIN);
	unwatch(shim, &process->sync);
	close_outputs(shim, process);
	return error;
}

void release_start(struct process *process)
{
	sync_send(process->sync.fd, &(struct sync_message){ .kind = SYNC_GO }, -1);
}

static void write_exit_record(const struct shim *shim, const struct process *process)
{
	char path[PATH_SIZE], temporary[PATH_SIZE + 4], text[96];
	snprintf(path, sizeof(path), process->id[0] ? "%s/exec-%s.exit" : "%s/exit", shim->directory, process->id);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	int size = snprintf(text, sizeof(text), "%d %lld %ld\n", process->exit_code, (long long)process->ended_at.tv_sec,
			    process->ended_at.tv_nsec);
	cleanup_fd int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && write_all(fd, text, (size_t)size) == 0)
		rename(temporary, path);
}

static void kill_others(const struct shim *shim, const struct process *ended)
{
	for (const struct process *other = shim->processes; other; other = other->next)
		if (other != ended && other->state < PROCESS_ENDED && other->pid > 0)
			kill(other->pid, SIGKILL);
}

void process_exited(struct shim *shim, struct process *process, int status)
{
	process->exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	process->state = PROCESS_ENDED;
	clock_gettime(CLOCK_REALTIME, &process->ended_at);
	drain_sync(shim, process); /* what it said last */
	if (process->sync.fd >= 0) /* held by a clone that nobody knows: it ends with this connection */
		sync_ended(shim, process);
	if (process == shim->init)
		kill_others(shim, process);
	drain_outputs(shim, process);
}

static bool past(const struct timespec *deadline)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > deadline->tv_sec || (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

/* Reports a process whose output is complete, or whose descendants hold it open for too long. */
void report_if_drained(struct shim *shim, struct process *process)
{
	if (process->state != PROCESS_ENDED || (!outputs_drained(process) && !past(&process->drain_until)))
		return;
	close_outputs(shim, process);
	process->state = PROCESS_REPORTED;
	if (process->started) {
		write_exit_record(shim, process);
		announce_exit(shim, process);
	}
	detach_clients(shim, process);
	if (process == shim->init) /* only now: unmounting the root may wait for a disk */
		close_fd(&shim->mount_namespace);
}
