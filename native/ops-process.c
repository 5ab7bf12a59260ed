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

int do_await_byte(struct context *context, const struct op_await_byte *op)
{
	char byte;
	ssize_t n;
	do
		n = read(slot_fd(op->slot), &byte, 1);
	while (n < 0 && errno == EINTR);
	return checked(context, "read", n);
}

int do_find_program(struct context *context, const struct op_find_program *op)
{
	struct list candidates = op->candidates;
	struct stat found;
	int error = ENOENT;
	for (uint32_t i = 0; i < candidates.count; i++) {
		const char *path = read_string(&candidates.items);
		if (stat(path, &found) < 0)
			continue;
		if (!S_ISDIR(found.st_mode) && faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0)
			return 0;
		error = EACCES;
	}
	return refuse(context, "execve", error);
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

/* The parts with the pid between them: of the process that the plan is for. */
static void put_with_pid(const struct context *context, struct list parts, struct message *message)
{
	char pid[16];
	int size = snprintf(pid, sizeof(pid), "%d", context->pid ? (int)context->pid : (int)getpid());
	for (uint32_t i = 0; i < parts.count; i++) {
		const char *part = read_string(&parts.items);
		put_bytes(message, pid, i == 0 ? 0 : (size_t)size);
		put_bytes(message, part, strlen(part));
	}
}

/* The fds are the standard streams that it gets. */
static void run_spawned(const struct context *context, const struct op_spawn *op, const int fds[3])
{
	char pid[16];
	reset_signals();
	for (int fd = 0; fd < 3; fd++)
		dup2(fds[fd], fd);
	char **arguments = pointers(op->argv);
	char **environment = pointers(op->env);
	snprintf(pid, sizeof(pid), "%d", (int)context->pid);
	if (arguments && op->pid_arg && op->pid_arg < op->argv.count)
		arguments[op->pid_arg] = pid;
	if (arguments && environment && (!op->cwd[0] || chdir(op->cwd) == 0))
		execve(op->path, arguments, environment);
	dprintf(STDERR_FILENO, "%s: %s", op->path, strerror(errno));
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

/* Told in place of a system call: how it ended and what it said first. */
static int spawn_failed(struct context *context, const struct op_spawn *op, int status, const int fds[3])
{
	static char told[sizeof(((struct failure *)NULL)->call)];
	char output[2][180] = { 0 };
	if (status < 0) {
		snprintf(told, sizeof(told), "hook ran past specified timeout of %u.%us", op->timeout_ms / 1000, op->timeout_ms / 100 % 10);
		return refuse(context, told, ETIMEDOUT);
	}
	for (int i = 0; i < 2; i++)
		if (pread(fds[i + 1], output[i], sizeof(output[i]) - 1, 0) < 0)
			output[i][0] = '\0';
	snprintf(told, sizeof(told), "%s %d, stdout: %s, stderr: %s", WIFEXITED(status) ? "exit status" : "signal",
		 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), output[0], output[1]);
	return refuse(context, told, ECHILD);
}

/* Its streams lie in memory: a program may end without reading, or start to read late; nobody need read what it says. */
int do_spawn(struct context *context, const struct op_spawn *op)
{
	struct message text = { 0 };
	cleanup_fd int input = memfd_create("stdin", MFD_CLOEXEC);
	cleanup_fd int output = memfd_create("stdout", MFD_CLOEXEC);
	cleanup_fd int errors = memfd_create("stderr", MFD_CLOEXEC);
	const int fds[3] = { input, output, errors };
	if (errors < 0)
		return fail(context, "memfd_create");
	put_with_pid(context, op->stdin, &text);
	int error = text.failed ? -ENOMEM : write_all(input, text.data, text.size);
	free_message(&text);
	if (error < 0)
		return refuse(context, "write", -error);
	lseek(input, 0, SEEK_SET);
	pid_t pid = fork();
	if (pid < 0)
		return fail(context, "fork");
	if (pid == 0)
		run_spawned(context, op, fds);
	int status = await_process(pid, op->timeout_ms);
	return status == 0 ? 0 : spawn_failed(context, op, status, fds);
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
	fcntl(master, F_SETFL, O_RDWR); /* not nonblocking any more: a console socket's reader expects that of a terminal */
	int result = put_in_slot(context, master, op->master);
	return result < 0 ? result : put_in_slot(context, slave, op->slave);
}

int do_send_fd(struct context *context, const struct op_send_fd *op)
{
	const struct sync_message message = { .kind = op->kept ? SYNC_KEEP : SYNC_FD, .at.index = op->slot };
	int error = sync_send(context->sync_fd, &message, slot_fd(op->slot));
	return error < 0 ? refuse(context, "sendmsg", -error) : 0;
}

int do_pass_fd(struct context *context, const struct op_pass_fd *op)
{
	cleanup_fd int process = (int)syscall(SYS_pidfd_open, context->pid, 0);
	bool taken = op->slot != SLOT_NONE && !op->sent;
	cleanup_fd int copy = taken ? (int)syscall(SYS_pidfd_getfd, process, slot_fd(op->slot), 0) : -1;
	int passed = taken ? copy : op->sent ? slot_fd(op->slot) : process;
	if (passed < 0)
		return fail(context, taken ? "pidfd_getfd" : "pidfd_open");
	struct message message = { 0 };
	put_with_pid(context, op->parts, &message);
	int error = message.failed ? -ENOMEM : send_fd_to(op->path, message.data, message.size, passed);
	free_message(&message);
	return error < 0 ? refuse(context, "connect", -error) : 0;
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
