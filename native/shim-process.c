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

#include "shim.h"
#include "sync.h"

enum { EXEC_FAILED = 127 };
#define DEFERRED_CREATED UINT32_MAX

/* Runs the plan in the child. Host operations are left to the shim, a row of them at a time. */
static int run_child(struct context *context, const struct plan *plan, uint32_t from)
{
	for (uint32_t i = from; i < plan->count; i++) {
		context->index = i;
		if (!(plan->ops[i].marks & MARK_HOST)) {
			int result = run_op(context, &plan->ops[i]);
			if (result < 0)
				return result;
			continue;
		}
		if (sync_run_host(context->sync_fd, i) < 0)
			_exit(EXEC_FAILED); /* the shim knows why */
		while (i + 1 < plan->count && plan->ops[i + 1].marks & MARK_HOST)
			i++;
	}
	errno = ENOEXEC; /* a plan ends with exec */
	return fail(context, "execve");
}

static void place(int fd, uint32_t slot)
{
	if (fd >= 0)
		dup3(fd, slot_fd(slot), O_CLOEXEC);
}

static void unprotect(void)
{
	cleanup_fd int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, "0", 1) < 0)
		return;
}

__attribute__((noreturn)) static void become_child(const struct plan *plan, uint32_t from, int sync, const struct stdio *stdio)
{
	struct context context;
	reset_signals();
	place(sync, SLOT_SYNC);
	for (uint32_t i = 0; i < 3; i++)
		place(stdio->child[i], SLOT_STDIN + i);
	syscall(SYS_close_range, 3, slot_fd(SLOT_STDIN) - 1, 0);
	syscall(SYS_close_range, slot_fd(SLOT_SYNC) + 1, ~0U, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* nobody in the container may look into a process that joins it */
	if (shim_protected)
		unprotect();
	init_context(&context);
	context.sync_fd = slot_fd(SLOT_SYNC);
	int error = run_child(&context, plan, from);
	struct sync_message failure = { .kind = SYNC_FAILED, .index = context.index, .error = error };
	snprintf(failure.call, sizeof(failure.call), "%s", context.call ? context.call : "");
	sync_send(context.sync_fd, &failure);
	_exit(EXEC_FAILED);
}

/* If the plan begins with `clone`, the shim clones by itself and saves the process in between. */
static bool clones_first(const struct plan *plan)
{
	const struct op *first = plan->ops;
	return plan->count > 0 && first->code == OP_CLONE && first->clone.into_cgroup_slot == SLOT_NONE &&
	       !(first->marks & MARK_HOST);
}

static pid_t fork_child(const struct plan *plan, bool direct, int sync, const struct stdio *stdio)
{
	struct clone_args arguments = { .flags = direct ? plan->ops->clone.flags : 0, .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (pid == 0)
		become_child(plan, direct ? 1 : 0, sync, stdio);
	return (pid_t)pid;
}

static bool has_op(const struct plan *plan, enum op_code code)
{
	for (uint32_t i = 0; i < plan->count; i++)
		if (plan->ops[i].code == code)
			return true;
	return false;
}

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

/* Host operations from `index` on, for the child that waits. */
static void run_host_row(struct process *process, uint32_t index)
{
	struct context context;
	init_context(&context);
	context.pid = process->pid;
	const struct plan *plan = &process->plan;
	for (uint32_t i = index; i < plan->count && plan->ops[i].marks & MARK_HOST; i++) {
		context.index = i;
		int error = run_op(&context, &plan->ops[i]);
		if (error == 0)
			continue;
		process->failure.set = true;
		process->failure.index = i;
		process->failure.error = error;
		snprintf(process->failure.call, sizeof(process->failure.call), "%s", context.call ? context.call : "");
		kill(process->pid, SIGKILL);
		break;
	}
	if (!process->failure.set)
		sync_send(process->sync.fd, &(struct sync_message){ .kind = SYNC_GO });
	free_message(&context.results);
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
	hold_mount_namespace(shim, process);
	answer(shim, process, 0);
}

/* The clone may speak, and even end, before the process that made it has told its pid. */
static void learn_pid(struct shim *shim, struct process *process, pid_t pid)
{
	uint32_t deferred = process->deferred;
	process->pid = pid;
	process->cloned = true;
	process->deferred = 0;
	bool unwanted = process == shim->init && process->state == PROCESS_STARTING && !process->asker;
	if (unwanted)
		kill(pid, SIGKILL); /* whoever wanted it went away when only the forerunner was known */
	else if (deferred == DEFERRED_CREATED)
		be_created(shim, process);
	else if (deferred > 0)
		run_host_row(process, deferred - 1);
	for (int i = 0; i < STRANGERS; i++) {
		if (shim->strangers[i].pid != pid)
			continue;
		shim->strangers[i].pid = 0;
		process_exited(shim, process, shim->strangers[i].status);
	}
}

static void note_failure(struct process *process, const struct sync_message *message)
{
	if (process->failure.set) /* the first one is the cause */
		return;
	process->failure.set = true;
	process->failure.index = message->index;
	process->failure.error = message->error;
	snprintf(process->failure.call, sizeof(process->failure.call), "%.*s", (int)sizeof(message->call) - 1, message->call);
}

static void sync_message(struct shim *shim, struct process *process, const struct sync_message *message, int carried)
{
	if (carried >= 0 && message->kind == SYNC_FD && process->outputs[0].source.fd < 0)
		attach_terminal(shim, process, carried);
	else if (carried >= 0)
		close(carried);
	if (message->kind == SYNC_PID)
		learn_pid(shim, process, message->pid);
	else if (message->kind == SYNC_HOST && process->cloned)
		run_host_row(process, message->index);
	else if (message->kind == SYNC_HOST)
		process->deferred = message->index + 1;
	else if (message->kind == SYNC_CREATED && process->cloned)
		be_created(shim, process);
	else if (message->kind == SYNC_CREATED)
		process->deferred = DEFERRED_CREATED;
	else if (message->kind == SYNC_FAILED)
		note_failure(process, message);
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
	shim->mount_namespace = -1;
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
		note_failure(process, &(struct sync_message){ .error = -ECHILD, .call = "setup" });
	if (process->failure.set) {
		if (process == shim->init)
			abandon_init(shim, process);
		answer(shim, process, process->failure.error);
		free_plan(&process->plan);
		return;
	}
	process->started = true;
	if (process->state < PROCESS_RUNNING)
		process->state = PROCESS_RUNNING;
	answer(shim, process, 0);
	free_plan(&process->plan);
	if (process == shim->init)
		free_plan(&shim->undo);
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
		if (!awaits_pid(shim)) /* a number may come again */
			memset(shim->strangers, 0, sizeof(shim->strangers));
		bool direct = clones_first(&process->plan);
		process->cloned = direct || !has_op(&process->plan, OP_CLONE);
		process->waits = has_op(&process->plan, OP_AWAIT_START);
		process->pid = fork_child(&process->plan, direct, ends[1], &stdio);
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
	sync_send(process->sync.fd, &(struct sync_message){ .kind = SYNC_GO });
}

static void write_exit_record(const struct shim *shim, const struct process *process)
{
	char name[ID_MAX + 16], path[4096], temporary[4104], text[96];
	if (process->id[0])
		snprintf(name, sizeof(name), "exec-%s.exit", process->id);
	else
		snprintf(name, sizeof(name), "exit");
	snprintf(path, sizeof(path), "%s/%s", shim->directory, name);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	int size = snprintf(text, sizeof(text), "%d %lld %ld\n", process->exit_code, (long long)process->ended_at.tv_sec,
			    process->ended_at.tv_nsec);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	bool whole = write(fd, text, (size_t)size) == size;
	close(fd);
	if (whole)
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
	if (process == shim->init) { /* only now: unmounting the root may wait for a disk */
		close_fd(&shim->mount_namespace);
		shim->mount_namespace = -1;
	}
}
