/* Operations on processes, namespaces, terminals and the program to run. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run.h"
#include "sync.h"

static int do_clone(struct context *context, const struct op_clone *op)
{
	struct clone_args arguments = { .flags = op->flags | CLONE_PARENT };
	if (op->into_cgroup_slot != SLOT_NONE) {
		arguments.flags |= CLONE_INTO_CGROUP;
		arguments.cgroup = (uint64_t)slot_fd(op->into_cgroup_slot);
	}
	long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (pid < 0)
		return fail(context, "clone3");
	if (pid == 0)
		return 0;
	sync_send_pid(context->sync_fd, (pid_t)pid);
	_exit(0);
}

static int do_setns(struct context *context, const struct op_setns *op)
{
	cleanup_fd int opened = -1;
	int fd = op->slot == SLOT_NONE ? -1 : slot_fd(op->slot);
	if (fd < 0) {
		opened = open_path(context, SLOT_NONE, op->path, O_RDONLY, 0);
		if (opened < 0)
			return opened;
		fd = opened;
	}
	return setns(fd, (int)op->flags) < 0 ? fail(context, "setns") : 0;
}

static char **pointers(struct list list)
{
	char **array = calloc(list.count + 1u, sizeof(*array));
	for (uint32_t i = 0; array && i < list.count; i++)
		array[i] = (char *)(uintptr_t)read_string(&list.items);
	return array;
}

static int do_exec(struct context *context, const struct op_exec *op)
{
	char **arguments = pointers(op->argv);
	char **environment = pointers(op->env);
	struct list candidates = op->candidates;
	if (!arguments || !environment)
		return fail(context, "malloc");
	int error = ENOENT;
	for (uint32_t i = 0; i < candidates.count; i++) {
		execve(read_string(&candidates.items), arguments, environment);
		if (errno == EACCES)
			error = EACCES;
		else if (errno != ENOENT && errno != ENOTDIR) {
			error = errno;
			break;
		}
	}
	free(arguments);
	free(environment);
	errno = error;
	return fail(context, "execve");
}

static void run_spawned(const struct op_spawn *op, int input)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	reset_signals();
	dup2(input, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	char **arguments = pointers(op->argv);
	char **environment = pointers(op->env);
	if (arguments && environment)
		execve(op->path, arguments, environment);
	_exit(127);
}

/* Waits for the process, at most `timeout` ms (0: for ever), then kills it. The wait status, or -ETIMEDOUT. */
static int await_process(pid_t pid, uint32_t timeout)
{
	int status = 0;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ended = { .fd = fd, .events = POLLIN };
	int ready = poll(&ended, 1, timeout ? (int)timeout : -1);
	if (fd >= 0)
		close(fd);
	if (ready == 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return ready == 0 ? -ETIMEDOUT : status;
}

static int do_spawn(struct context *context, const struct op_spawn *op)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return fail(context, "socketpair");
	pid_t pid = fork();
	if (pid == 0)
		run_spawned(op, ends[0]);
	close(ends[0]);
	if (pid > 0)
		write_all(ends[1], op->stdin.data, op->stdin.size); /* a program may end without reading it */
	close(ends[1]);
	if (pid < 0)
		return fail(context, "fork");
	int status = await_process(pid, op->timeout_ms);
	if (status == 0)
		return 0;
	errno = status < 0 ? -status : WIFEXITED(status) && WEXITSTATUS(status) == 127 ? ENOEXEC : ECHILD;
	return fail(context, "spawn");
}

enum { DEVPTS = 0x1cd1 };

static int do_open_pty(struct context *context, const struct op_open_pty *op)
{
	int unlock = 0;
	struct statfs found;
	int master = open_path(context, op->root, "dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK, 0);
	if (master < 0)
		return master;
	if (fstatfs(master, &found) < 0 || found.f_type != DEVPTS) { /* something that a container put there */
		close(master);
		errno = EXDEV;
		return fail(context, "fstatfs");
	}
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0) {
		close(master);
		return fail(context, "ioctl(TIOCSPTLCK)");
	}
	int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0) {
		close(master);
		return fail(context, "ioctl(TIOCGPTPEER)");
	}
	int result = move_to_slot(context, master, op->master);
	int other = move_to_slot(context, slave, op->slave);
	return result < 0 ? result : other;
}

static int do_window_size(struct context *context, const struct op_window_size *op)
{
	struct winsize size = { .ws_row = (unsigned short)op->rows, .ws_col = (unsigned short)op->cols };
	return ioctl(slot_fd(op->slot), TIOCSWINSZ, &size) < 0 ? fail(context, "ioctl(TIOCSWINSZ)") : 0;
}

/* Makes the standard streams of the program; dup2 clears close-on-exec. */
static int do_dup_to(struct context *context, const struct op_dup_to *op)
{
	return dup2(slot_fd(op->slot), (int)op->fd) < 0 ? fail(context, "dup2") : 0;
}

static int do_pidfd(struct context *context, const struct op_pidfd *op)
{
	int fd = (int)syscall(SYS_pidfd_open, (pid_t)op->pid, 0);
	return fd < 0 ? fail(context, "pidfd_open") : move_to_slot(context, fd, op->slot);
}

/* Pipes and terminals only: /dev/null and its like are everybody's. */
static int do_chown_stdio(struct context *context, const struct op_chown_stdio *op)
{
	for (int fd = 0; fd < 3; fd++) {
		struct stat found;
		if (fstat(fd, &found) < 0)
			return fail(context, "fstat");
		if ((S_ISFIFO(found.st_mode) || isatty(fd)) && fchown(fd, op->uid, op->gid) < 0)
			return fail(context, "fchown");
	}
	return 0;
}

int run_process_op(struct context *context, const struct op *op)
{
	switch (op->code) {
	case OP_CLONE:
		return do_clone(context, &op->clone);
	case OP_UNSHARE:
		return unshare((int)op->unshare.flags) < 0 ? fail(context, "unshare") : 0;
	case OP_SETNS:
		return do_setns(context, &op->setns);
	case OP_PIDFD:
		return do_pidfd(context, &op->pidfd);
	case OP_CHOWN_STDIO:
		return do_chown_stdio(context, &op->chown_stdio);
	case OP_AWAIT_START:
		return sync_await_start(context->sync_fd) < 0 ? fail(context, "recv") : 0;
	case OP_SETSID:
		return setsid() < 0 ? fail(context, "setsid") : 0;
	case OP_EXEC:
		return do_exec(context, &op->exec);
	case OP_SPAWN:
		return do_spawn(context, &op->spawn);
	case OP_DUP_TO:
		return do_dup_to(context, &op->dup_to);
	case OP_CLOEXEC_FROM:
		if (syscall(SYS_close_range, op->cloexec_from.first, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */) < 0)
			return fail(context, "close_range");
		return 0;
	case OP_OPEN_PTY:
		return do_open_pty(context, &op->open_pty);
	case OP_SEND_FD:
		return sync_send_fd(context->sync_fd, slot_fd(op->send_fd.slot)) < 0 ? fail(context, "sendmsg") : 0;
	case OP_CONTROLLING_TTY:
		return ioctl(slot_fd(op->controlling_tty.slot), TIOCSCTTY, 0) < 0 ? fail(context, "ioctl(TIOCSCTTY)") : 0;
	case OP_WINDOW_SIZE:
		return do_window_size(context, &op->window_size);
	default:
		return -ENOSYS;
	}
}
