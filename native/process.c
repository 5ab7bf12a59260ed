/* A process: from its plan to its exit record. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor.h"

enum { EXEC_FAILED = 127, READER_MS = 10000 };

/* Between a process that runs a plan and its shim, over a SOCK_SEQPACKET pair. The end of the connection without a failure means that the
 * program was executed. */
struct sync_message {
	uint32_t kind; /* one of SYNC_ */
	pid_t pid;
	struct failure at; /* of SYNC_HOST, SYNC_KEEP only the index; what is left out is zero */
};

/* Behind the operations that begin at `index` and are for the host (MARK_HOST), or are not (0). */
static uint32_t row_end(const struct plan *plan, uint32_t index, uint32_t whose)
{
	while (index < plan->count && (plan->ops[index].marks & MARK_HOST) == whose)
		index++;
	return index;
}

static bool has_mark(const struct plan *plan, uint32_t mark)
{
	for (uint32_t i = 0; i < plan->count; i++)
		if (plan->ops[i].marks & mark)
			return true;
	return false;
}

/* Of what a plan begins with, which we then do by ourselves: that saves the process in between. */
static bool clones_first(const struct plan *plan)
{
	return plan->count > 0 && plan->ops->marks & MARK_CLONES_SIMPLY;
}

static ssize_t tell_parent(const struct sync_message *message)
{
	return send(slot_fd(SLOT_SYNC), message, sizeof(*message), MSG_NOSIGNAL);
}

/* Until the parent has run the host operations from that one on. */
static void await_host(uint32_t index)
{
	struct sync_message answer = { 0 };
	tell_parent(&(struct sync_message){ .kind = SYNC_HOST, .at.index = index });
	if (read(slot_fd(SLOT_SYNC), &answer, sizeof(answer)) < 0 || answer.kind != SYNC_GO)
		_exit(EXEC_FAILED); /* the parent knows why */
}

/* Runs the plan in the child. Host operations are left to the parent, a row of them at a time. */
static int run_child(struct context *context, const struct plan *plan)
{
	for (;;) {
		int error = run_plan(context, plan, row_end(plan, context->index, 0));
		if (error < 0)
			return error;
		if (context->index == plan->count)
			return refuse(context, "execve", ENOEXEC); /* a plan ends with exec */
		await_host(context->index);
		context->index = row_end(plan, context->index, MARK_HOST);
	}
}

bool set_oom_score(const char *score)
{
	cleanup_fd int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write_all(fd, score, strlen(score)) == 0;
}

__attribute__((noreturn)) static void become_child(const struct plan *plan, uint32_t from, const int fds[4], uint32_t preserved)
{
	struct context context;
	for (uint32_t i = 0; i < 4; i++)
		dup3(fds[i], slot_fd(SLOT_STDIN + i), O_CLOEXEC);
	syscall(SYS_close_range, 3 + preserved, slot_fd(SLOT_STDIN) - 1, 0);
	syscall(SYS_close_range, slot_fd(SLOT_SYNC) + 1, ~0U, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* nobody in the container may look into a process that joins it */
	init_context(&context);
	context.index = from;
	int error = run_child(&context, plan);
	const struct sync_message failed = { .kind = SYNC_FAILED, .at = failure_of(&context, error) };
	if (tell_parent(&failed) < 0) /* whoever made it left it to be started: all that listens is its own stream */
		dprintf(STDERR_FILENO, "%s: %s\n", context.call, strerror(-error));
	_exit(EXEC_FAILED);
}

static pid_t fork_child(const struct supervisor *us, const struct process *process, const struct request_create *wanted, const int fds[4])
{
	const struct plan *plan = &process->plan;
	bool direct = clones_first(plan);
	pid_t parent = getpid();
	struct clone_args arguments = { .exit_signal = SIGCHLD };
	if (direct) /* the operation's data begins with its flags */
		memcpy(&arguments.flags, plan->ops->data.data, sizeof(arguments.flags));
	long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (pid != 0)
		return (pid_t)pid;
	reset_signals();
	if (!process->cloned) { /* a clone of it does not inherit that */
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (getppid() != parent) /* it died before that */
			_exit(EXEC_FAILED);
	}
	if (us->protected_from_oom)
		set_oom_score("0");
	become_child(plan, direct ? 1 : 0, fds, wanted->preserved);
}

void run_each(const struct plan *plan, uint32_t marks)
{
	enum { TRIES = 50 };
	struct context context;
	init_context(&context);
	for (uint32_t i = 0; i < plan->count; i++)
		if ((plan->ops[i].marks & marks) == marks)
			for (int tries = 0; run_op(&context, &plan->ops[i]) == -EBUSY && tries < TRIES; tries++)
				usleep(1000); /* a cgroup whose last process is just going */
	free_message(&context.results);
}

static void hold_mount_namespace(struct supervisor *us, const struct process *process)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)process->pid);
	us->mount_namespace = open(path, O_RDONLY | O_CLOEXEC);
}

static void be_created(struct supervisor *us, struct process *process)
{
	if (process->state != PROCESS_STARTING) /* it has died since */
		return;
	process->state = PROCESS_CREATED;
	process->created = true;
	if (process == us->init && us->directory)
		hold_mount_namespace(us, process);
	answer(us, process);
}

static void learn_pid(struct supervisor *us, struct process *process, pid_t pid)
{
	if (!us->reaps)
		waitpid(process->pid, NULL, 0); /* nobody else will */
	process->pid = pid;
	process->cloned = true;
	if (process == us->init && process->state == PROCESS_STARTING && !process->asker)
		kill(pid, SIGKILL); /* whoever wanted it went away when only the forerunner was known */
}

static void note_failure(struct process *process, const struct failure *failure)
{
	if (process->failure.error == 0) /* the first one is the cause */
		process->failure = *failure;
}

/* Runs the host operations at `index` while the child waits, and lets it go on; or kills it. */
static void run_host_row(struct process *process, uint32_t index)
{
	struct context context;
	init_context(&context);
	context.pid = process->pid;
	context.index = index;
	int error = run_plan(&context, &process->plan, row_end(&process->plan, index, MARK_HOST));
	if (error == 0) {
		release_start(process);
	} else {
		const struct failure failure = failure_of(&context, error);
		note_failure(process, &failure);
		kill(process->pid, SIGKILL);
	}
	free_message(&context.results);
}

static void sync_message(struct supervisor *us, struct process *process, const struct sync_message *message, int carried)
{
	if (carried >= 0 && message->kind == SYNC_KEEP && slot_fd(message->at.index) < OUT_OF_THE_WAY - 1)
		dup3(carried, slot_fd(message->at.index), O_CLOEXEC);
	if (carried >= 0 && message->kind == SYNC_FD)
		take_terminal(us, process, carried);
	else if (carried >= 0)
		close(carried);
	if (message->kind == SYNC_PID)
		learn_pid(us, process, message->pid);
	else if (message->kind == SYNC_HOST)
		run_host_row(process, message->at.index);
	else if (message->kind == SYNC_CREATED)
		be_created(us, process);
	else if (message->kind == SYNC_FAILED)
		note_failure(process, &message->at);
}

/* The init could not be made or started: nothing of it stays, and only then the answer is given. */
static void abandon_init(struct supervisor *us, struct process *init)
{
	char path[PATH_SIZE];
	if (init->state < PROCESS_ENDED && init->pid > 0) {
		kill(init->pid, SIGKILL);
		waitpid(init->pid, NULL, 0);
	}
	init->state = PROCESS_ENDED;
	close_fd(&us->mount_namespace);
	run_each(&us->undo, 0);
	free_plan(&us->undo);
	close_source(&us->listener);
	snprintf(path, sizeof(path), "%s/shim.sock", us->directory ? us->directory : "");
	if (us->directory)
		unlink(path);
}

/* The connection has ended: the program was executed, or the process is gone. */
static void sync_ended(struct supervisor *us, struct process *process)
{
	close_source(&process->sync);
	if (!process->cloned || (process->waits && !process->created))
		note_failure(process, &(struct failure){ .error = -ECHILD, .call = "setup" });
	process->started = process->failure.error == 0;
	if (process->started && process->state < PROCESS_RUNNING)
		process->state = PROCESS_RUNNING;
	if (process == us->init && process->started)
		free_plan(&us->undo);
	else if (process == us->init)
		abandon_init(us, process);
	answer(us, process);
	free_plan(&process->plan);
}

/* As recvmsg; `*carried` is -1 or an fd that came along. */
static ssize_t receive(int fd, struct sync_message *message, int *carried)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = message, .iov_len = sizeof(*message) };
	struct msghdr received = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	*carried = -1;
	ssize_t n = recvmsg(fd, &received, MSG_CMSG_CLOEXEC);
	if (n > 0 && control.header.cmsg_type == SCM_RIGHTS)
		memcpy(carried, CMSG_DATA(&control.header), sizeof(*carried));
	return n;
}

/* Whether there was something to take. */
static bool take_sync(struct supervisor *us, struct process *process)
{
	struct sync_message message = { 0 };
	int carried;
	ssize_t n = receive(process->sync.fd, &message, &carried);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n > 0)
		sync_message(us, process, &message, carried);
	else if (n == 0 || (n < 0 && errno != EINTR))
		sync_ended(us, process);
	return true;
}

void drain_sync(struct supervisor *us, struct process *process)
{
	while (process->sync.fd >= 0 && take_sync(us, process))
		;
}

void sync_ready(struct supervisor *us, struct source *source, short events)
{
	(void)events;
	take_sync(us, container_of(source, struct process, sync));
}

static int make_ends(struct process *process, int *childs)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	process->sync.fd = fcntl(ends[0], F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
	*childs = fcntl(ends[1], F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
	int error = process->sync.fd < 0 || *childs < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
	close(ends[0]);
	close(ends[1]);
	return error;
}

int start_process(struct supervisor *us, struct process *process, const struct request_create *wanted)
{
	int fds[4] = { -1, -1, -1, -1 };
	int error = open_streams(us, process, wanted, fds);
	if (error == 0)
		error = make_ends(process, &fds[3]);
	if (error == 0) {
		process->cloned = clones_first(&process->plan) || !has_mark(&process->plan, MARK_CLONES);
		process->waits = has_mark(&process->plan, MARK_AWAITS_START);
		process->pid = fork_child(us, process, wanted, fds);
		error = process->pid < 0 ? -errno : 0;
	}
	for (int i = 0; i < 4; i++)
		close_fd(&fds[i]);
	if (error == 0)
		return 0;
	close_source(&process->sync);
	close_outputs(process);
	return error;
}

void release_start(struct process *process)
{
	send(process->sync.fd, &(struct sync_message){ .kind = SYNC_GO }, sizeof(struct sync_message), MSG_NOSIGNAL);
}

static void write_exit_record(const struct supervisor *us, const struct process *process)
{
	char path[PATH_SIZE], temporary[PATH_SIZE + 4], text[96];
	snprintf(path, sizeof(path), process->id[0] ? "%s/exec-%s.exit" : "%s/exit", us->directory, process->id);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	int size = snprintf(text, sizeof(text), "%d %lld %ld\n", process->exit_code, (long long)process->ended_at.tv_sec,
			    process->ended_at.tv_nsec);
	cleanup_fd int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && write_all(fd, text, (size_t)size) == 0)
		rename(temporary, path);
}

void process_exited(struct supervisor *us, struct process *process, int status)
{
	process->exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	process->state = PROCESS_ENDED;
	clock_gettime(CLOCK_REALTIME, &process->ended_at);
	drain_sync(us, process); /* what it said last */
	if (process->sync.fd >= 0) /* held by a clone that nobody knows: it ends with this connection */
		sync_ended(us, process);
	if (process == us->init)
		kill_all(us);
	process->drain_until = now() + us->drain_ms;
}

void kill_all(const struct supervisor *us)
{
	for (const struct process *process = us->processes; process; process = process->next)
		if (process->pid > 0 && process->state < PROCESS_ENDED)
			kill(process->pid, SIGKILL);
}

/* Reports a process whose output is complete, or whose descendants hold it open, or whose reader stays away, for too long. */
void report_if_drained(struct supervisor *us, struct process *process)
{
	int64_t over = now() - process->drain_until;
	if (process->state != PROCESS_ENDED || (over < 0 && !outputs_drained(us, process)))
		return;
	if (over < READER_MS && awaits_reader(us, process))
		return;
	close_outputs(process);
	process->state = PROCESS_REPORTED;
	if (process->started && us->directory && !us->owner) /* without its owner, nobody asks for it any more */
		write_exit_record(us, process);
	if (process->started)
		announce_exit(us, process);
	detach_clients(us, process);
	if (process == us->init) /* only now: unmounting the root may wait for a disk */
		close_fd(&us->mount_namespace);
}
