/* What tests ask the kernel from inside a container, and the agent that answers for a filter. Built by the tests, static.
 *   probe call NUMBER [ARGUMENT...]     "0" or another result, or the errno's name; an argument that is no number is a string
 *   probe call32 NUMBER [ARGUMENT...]   the same through int 0x80
 *   probe traced NUMBER                 under a tracer: what the filter tells it, then lets the call happen
 *   probe threads NUMBER                makes the call in a thread; "alive" if the others go on
 *   probe spy FILE                      looks into every process that is not a program of the container yet, until the file is there
 *                                       and it has met ENOUGH; tells what it could open and how many it met
 *   probe overwrite NAME                gets hold of the program NAME that another process runs, and writes to it as soon as it can
 *   probe agent SOCKET [CALL ERRNO]     prints what comes along with the listener, then answers for the call; lets others happen */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static long number(const char *text)
{
	char *end;
	long value = (long)strtoull(text, &end, 0);
	return *end ? (long)text : value;
}

static int tell(long result, int error)
{
	if (result < 0)
		puts(strerrorname_np(error) ? strerrorname_np(error) : "?");
	else
		printf("%ld\n", result);
	fflush(stdout);
	return result < 0;
}

static int call(int count, char **words)
{
	long a[7] = { 0 };
	for (int i = 0; i < count && i < 7; i++)
		a[i] = number(words[i]);
	long result = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
	return tell(result, errno);
}

static int call32(int count, char **words)
{
	long a[4] = { 0 };
	int result;
	for (int i = 0; i < count && i < 4; i++)
		a[i] = number(words[i]);
	__asm__ volatile("int $0x80" : "=a"(result) : "a"((int)a[0]), "b"((int)a[1]), "c"((int)a[2]), "d"((int)a[3]) : "memory", "r8", "r9", "r10", "r11");
	return tell(result, -result);
}

static int traced(long call_number)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(syscall(call_number) >= 0 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP);
	for (ptrace(PTRACE_CONT, pid, 0, 0); waitpid(pid, &status, 0) > 0 && !WIFEXITED(status); ptrace(PTRACE_CONT, pid, 0, 0)) {
		unsigned long told = 0;
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8) && ptrace(PTRACE_GETEVENTMSG, pid, 0, &told) == 0)
			printf("told %lu\n", told);
	}
	printf("exit %d\n", WEXITSTATUS(status));
	return 0;
}

static void *call_alone(void *call_number)
{
	return (void *)syscall((long)call_number, 0);
}

static int threads(long call_number)
{
	pthread_t thread;
	pthread_create(&thread, NULL, call_alone, (void *)call_number);
	usleep(50000); /* a thread that is killed is not joined */
	puts("alive");
	fflush(stdout);
	_exit(0);
}

/* The program of a process: its size as readlink tells it, or -1. */
static ssize_t program_of(const char *pid, char *name, size_t size)
{
	char path[300];
	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	ssize_t n = readlink(path, name, size - 1);
	name[n > 0 ? n : 0] = '\0';
	return n;
}

static int is_setup(const char *pid)
{
	char name[256];
	return program_of(pid, name, sizeof(name)) < 0 ? errno == EACCES || errno == EPERM : strstr(name, "gantry-exec") != NULL;
}

static int can_trace(const char *pid)
{
	int traced = ptrace(PTRACE_SEIZE, atoi(pid), 0, 0) == 0;
	if (traced) {
		ptrace(PTRACE_INTERRUPT, atoi(pid), 0, 0);
		waitpid(atoi(pid), NULL, __WALL);
		ptrace(PTRACE_DETACH, atoi(pid), 0, 0);
	}
	return traced;
}

static int can_open(const char *pid, const char *what)
{
	char path[300];
	snprintf(path, sizeof(path), "/proc/%s/%s", pid, what);
	int fd = open(path, strcmp(what, "mem") == 0 ? O_RDWR : O_RDONLY | O_NONBLOCK);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Of "fd", those that a program has, and the slots of the setup. That there is such a number may be seen, not what it is. */
static const char *const windows[] = { "environ", "mem",    "root",   "cwd",   "exe",	"auxv",  "fd/0",  "fd/1",  "fd/3",
				       "fd/64",	  "fd/66", "fd/67", "fd/68", "fd/69", "fd/93", "fd/94", "fd/96", "trace" };
enum { WINDOWS = sizeof(windows) / sizeof(*windows), ENOUGH = 5 };

static int spy(const char *until)
{
	unsigned long met = 0, seen[WINDOWS] = { 0 };
	while (met < ENOUGH || access(until, F_OK) < 0) {
		DIR *processes = opendir("/proc");
		for (struct dirent *entry; (entry = readdir(processes));) {
			const char *pid = entry->d_name;
			if (atoi(pid) <= 1 || atoi(pid) == getpid() || !is_setup(pid))
				continue;
			met++;
			for (int i = 0; i < WINDOWS; i++) {
				int open_now = i == WINDOWS - 1 ? can_trace(pid) : can_open(pid, windows[i]);
				seen[i] += open_now && is_setup(pid); /* else it has become a program meanwhile */
			}
		}
		closedir(processes);
	}
	printf("met %lu\n", met);
	for (int i = 0; i < WINDOWS; i++)
		if (seen[i])
			printf("open %s\n", windows[i]);
	return 0;
}

static int hold_program(const char *wanted)
{
	for (;;) {
		DIR *processes = opendir("/proc");
		for (struct dirent *entry; (entry = readdir(processes));) {
			char name[256], path[300];
			if (atoi(entry->d_name) < 1 || program_of(entry->d_name, name, sizeof(name)) < 0 || !strstr(name, wanted))
				continue;
			snprintf(path, sizeof(path), "/proc/%s/exe", entry->d_name);
			int fd = open(path, O_PATH);
			if (fd >= 0)
				return fd;
		}
		closedir(processes);
	}
}

static int overwrite(const char *wanted)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", hold_program(wanted));
	puts("held");
	fflush(stdout);
	for (;;) {
		int fd = open(path, O_WRONLY | O_TRUNC);
		if (fd >= 0)
			return write(fd, "owned\n", 6) != 6;
		usleep(1000);
	}
}

static int take_listener(int connection)
{
	static char text[65536];
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { text, sizeof(text) - 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	int fd = -1;
	ssize_t size = recvmsg(connection, &message, 0);
	if (size > 0 && CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	text[size > 0 ? size : 0] = '\0';
	puts(text);
	fflush(stdout);
	return fd;
}

static void serve(int listener, long wanted, int error)
{
	struct seccomp_notif asked;
	for (;;) {
		memset(&asked, 0, sizeof(asked));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
			return;
		struct seccomp_notif_resp answer = { .id = asked.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };
		if (asked.data.nr == wanted) {
			answer.flags = 0;
			answer.error = -error;
		}
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

static int agent(const char *path, long wanted, int error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	signal(SIGCHLD, SIG_IGN);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0)
		return tell(-1, errno);
	puts("listening");
	fflush(stdout);
	for (;;) {
		int connection = accept(fd, NULL, NULL);
		int listener = take_listener(connection);
		close(connection);
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			serve(listener, wanted, error);
			_exit(0);
		}
		close(listener);
	}
}

int main(int count, char **words)
{
	const char *verb = count > 2 ? words[1] : "";
	if (strcmp(verb, "call") == 0)
		return call(count - 2, words + 2);
	if (strcmp(verb, "call32") == 0)
		return call32(count - 2, words + 2);
	if (strcmp(verb, "traced") == 0)
		return traced(number(words[2]));
	if (strcmp(verb, "threads") == 0)
		return threads(number(words[2]));
	if (strcmp(verb, "spy") == 0)
		return spy(words[2]);
	if (strcmp(verb, "overwrite") == 0)
		return overwrite(words[2]);
	if (strcmp(verb, "agent") == 0)
		return agent(words[2], count > 4 ? number(words[3]) : -1, count > 4 ? (int)number(words[4]) : 0);
	return 2;
}
