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
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "sync.h"

/* The parent leaves. The child goes on only when the shim has been told its pid: nothing that it says comes before. */
int do_clone(struct context *context, const struct op_clone *op)
{
	int ends[2];
	char told;
	struct clone_args arguments = { .flags = op->flags | CLONE_PARENT };
	if (op->into_cgroup_slot != SLOT_NONE) {
		arguments.flags |= CLONE_INTO_CGROUP;
		arguments.cgroup = (uint64_t)slot_fd(op->into_cgroup_slot);
	}
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail(context, "pipe2");
	cleanup_fd int reads = ends[0], writes = ends[1];
	long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (pid < 0)
		return fail(context, "clone3");
	if (pid > 0) {
		int error = sync_send(context->sync_fd, &(struct sync_message){ .kind = SYNC_PID, .pid = (pid_t)pid }, -1);
		_exit(error == 0 && write(writes, "", 1) == 1 ? 0 : 1);
	}
	close_fd(&writes);
	return read(reads, &told, 1) == 1 ? 0 : refuse(context, "clone3", ECANCELED);
}

int do_setns(struct context *context, const struct op_setns *op)
{
	if (op->slot != SLOT_NONE)
		return checked(context, "setns", setns(slot_fd(op->slot), (int)op->flags));
	cleanup_fd int fd = open_path(context, SLOT_NONE, op->path, O_RDONLY, 0);
	return fd < 0 ? fd : checked(context, "setns", setns(fd, (int)op->flags));
}

/* Gives the process's user namespace its maps and keeps it. */
static int take_namespace(struct context *context, const struct op_user_namespace *op)
{
	enum { PROCFS = 0x9fa0 };
	struct op_write map = { .path = "/proc/$PID/uid_map", .root = SLOT_NONE, .data = op->uid_map, .fs_magic = PROCFS };
	int result = do_write(context, &map);
	map.path = "/proc/$PID/gid_map";
	map.data = op->gid_map;
	if (result == 0)
		result = do_write(context, &map);
	if (result == 0)
		result = do_open(context, &(struct op_open){ .path = "/proc/$PID/ns/user", .root = SLOT_NONE, .slot = op->slot });
	return result;
}

/* A namespace begins with a process. That ends when the pipe does, even if this one is killed. */
int do_user_namespace(struct context *context, const struct op_user_namespace *op)
{
	int ends[2];
	char none;
	struct clone_args arguments = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail(context, "pipe2");
	cleanup_fd int reads = ends[0], writes = ends[1];
	pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (pid < 0)
		return fail(context, "clone3");
	if (pid == 0) {
		close_fd(&writes);
		_exit(read(reads, &none, 1) == 0 ? 0 : 1);
	}
	struct context outside = { .pid = pid };
	int result = take_namespace(&outside, op);
	context->call = outside.call;
	close_fd(&writes);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return result;
}

int do_pidfd(struct context *context, const struct op_pidfd *op)
{
	cleanup_fd int fd = (int)syscall(SYS_pidfd_open, (pid_t)op->pid, 0);
	return fd < 0 ? fail(context, "pidfd_open") : put_in_slot(context, fd, op->slot);
}

int do_await_start(struct context *context)
{
	int error = sync_ask(context->sync_fd, SYNC_CREATED, 0);
	return error < 0 ? refuse(context, "recv", -error) : 0;
}

static char **pointers(struct list list)
{
	char **array = calloc(list.count + 1u, sizeof(*array));
	for (uint32_t i = 0; array && i < list.count; i++)
		array[i] = (char *)(uintptr_t)read_string(&list.items);
	return array;
}

int do_exec(struct context *context, const struct op_exec *op)
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
		else if (errno != ENOENT && errno != ENOTDIR)
			return fail(context, "execve");
	}
	return refuse(context, "execve", error);
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
	cleanup_fd int fd = timeout ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	struct pollfd ended = { .fd = fd, .events = POLLIN };
	bool late = timeout && (fd < 0 || poll(&ended, 1, (int)timeout) == 0);
	if (late)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return late ? -ETIMEDOUT : status;
}

/* Its input lies in memory: a program may end without reading it, or start to read late. */
int do_spawn(struct context *context, const struct op_spawn *op)
{
	cleanup_fd int input = memfd_create("stdin", MFD_CLOEXEC);
	if (input < 0)
		return fail(context, "memfd_create");
	int error = write_all(input, op->stdin.data, op->stdin.size);
	if (error < 0)
		return refuse(context, "write", -error);
	lseek(input, 0, SEEK_SET);
	pid_t pid = fork();
	if (pid < 0)
		return fail(context, "fork");
	if (pid == 0)
		run_spawned(op, input);
	int status = await_process(pid, op->timeout_ms);
	if (status <= 0)
		return status == 0 ? 0 : refuse(context, "spawn", -status);
	return refuse(context, "spawn", WIFEXITED(status) && WEXITSTATUS(status) == 127 ? ENOEXEC : ECHILD);
}

enum { DEVPTS = 0x1cd1 };

int do_open_pty(struct context *context, const struct op_open_pty *op)
{
	int unlock = 0;
	struct statfs found;
	cleanup_fd int master = open_path(context, op->root, "dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK, 0);
	if (master < 0)
		return master;
	if (fstatfs(master, &found) < 0 || found.f_type != DEVPTS)
		return refuse(context, "fstatfs", EXDEV); /* something that a container put there */
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return fail(context, "ioctl(TIOCSPTLCK)");
	cleanup_fd int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return fail(context, "ioctl(TIOCGPTPEER)");
	int result = put_in_slot(context, master, op->master);
	return result < 0 ? result : put_in_slot(context, slave, op->slave);
}

int do_send_fd(struct context *context, const struct op_send_fd *op)
{
	int error = sync_send(context->sync_fd, &(struct sync_message){ .kind = SYNC_FD }, slot_fd(op->slot));
	return error < 0 ? refuse(context, "sendmsg", -error) : 0;
}

int do_window_size(struct context *context, const struct op_window_size *op)
{
	struct winsize size = { .ws_row = (unsigned short)op->rows, .ws_col = (unsigned short)op->cols };
	return checked(context, "ioctl(TIOCSWINSZ)", ioctl(slot_fd(op->slot), TIOCSWINSZ, &size));
}

/* Pipes and terminals only: /dev/null and its like are everybody's. */
int do_chown_stdio(struct context *context, const struct op_chown_stdio *op)
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
