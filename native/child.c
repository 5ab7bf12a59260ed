#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim.h"

enum { EXEC_FAILED = 127 };

uint32_t row_end(const struct plan *plan, uint32_t index)
{
	while (index < plan->count && plan->ops[index].marks & MARK_HOST)
		index++;
	return index;
}

bool has_mark(const struct plan *plan, uint32_t mark)
{
	for (uint32_t i = 0; i < plan->count; i++)
		if (plan->ops[i].marks & mark)
			return true;
	return false;
}

/* Runs the plan in the child. Host operations are left to the parent, a row of them at a time. */
static int run_child(struct context *context, const struct plan *plan)
{
	while (context->index < plan->count) {
		const struct op *op = &plan->ops[context->index];
		if (op->marks & MARK_HOST) {
			if (sync_ask(context->sync_fd, SYNC_HOST, context->index) < 0)
				_exit(EXEC_FAILED); /* the parent knows why */
			context->index = row_end(plan, context->index);
			continue;
		}
		int result = run_op(context, op);
		if (result < 0)
			return result;
		context->index++;
	}
	return refuse(context, "execve", ENOEXEC); /* a plan ends with exec */
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

__attribute__((noreturn)) static void become_child(const struct plan *plan, uint32_t from, const struct child_setup *setup)
{
	struct context context;
	reset_signals();
	if (setup->dies_with_us)
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* a clone of it does not inherit that */
	place(setup->sync, SLOT_SYNC);
	for (uint32_t i = 0; i < 3; i++)
		place(setup->stdio[i], SLOT_STDIN + i);
	syscall(SYS_close_range, 3 + setup->preserved, slot_fd(SLOT_STDIN) - 1, 0);
	syscall(SYS_close_range, slot_fd(SLOT_SYNC) + 1, ~0U, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* nobody in the container may look into a process that joins it */
	if (setup->unprotect)
		unprotect();
	init_context(&context);
	context.sync_fd = slot_fd(SLOT_SYNC);
	context.index = from;
	int error = run_child(&context, plan);
	const struct sync_message failed = { .kind = SYNC_FAILED, .at = failure_of(&context, error) };
	if (sync_send(context.sync_fd, &failed, -1) < 0) /* whoever made it left it to be started: all that listens is its own stream */
		dprintf(STDERR_FILENO, "%s: %s\n", context.call, strerror(-error));
	_exit(EXEC_FAILED);
}

bool clones_first(const struct plan *plan)
{
	return plan->count > 0 && plan->ops->marks & MARK_CLONES_SIMPLY;
}

pid_t fork_child(const struct plan *plan, const struct child_setup *setup)
{
	bool direct = clones_first(plan);
	struct clone_args arguments = { .exit_signal = SIGCHLD };
	if (direct) /* the operation's data begins with its own arguments */
		memcpy(&arguments.flags, plan->ops->data.data, sizeof(arguments.flags));
	arguments.flags &= ~(uint64_t)CLONE_PARENT;
	long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (pid == 0)
		become_child(plan, direct ? 1 : 0, setup);
	return (pid_t)pid;
}

struct failure run_host_row(const struct plan *plan, uint32_t index, pid_t pid, int sync)
{
	struct context context;
	struct failure failure = { 0 };
	init_context(&context);
	context.pid = pid;
	context.index = index;
	const struct plan row = { .ops = plan->ops, .count = row_end(plan, index) };
	int error = run_plan(&context, &row);
	if (error < 0) {
		failure = failure_of(&context, error);
		kill(pid, SIGKILL);
	} else {
		sync_send(sync, &(struct sync_message){ .kind = SYNC_GO }, -1);
	}
	free_message(&context.results);
	return failure;
}
