/* The client of a command: a supervisor that its resident tells what to do. The resident decides; what a caller of the command must be
 * the parent of, or must have given (streams, descriptors, signals), is here. See PROTOCOL.md. */
#define _GNU_SOURCE
#include "programs.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops.gen.h"
#include "supervisor.h"

enum { CONNECTION = SLOT_BASE + 64, FAILED = 1, DRAIN_MS = 100 };

static bool taken; /* the resident has the command */
static int code = -1; /* of the command; -1: it goes on */

/* What else it wants to know of us is in /proc. */
static void say_hello(void)
{
	struct message frame = begin_frame(FRAME_HELLO, (uint32_t)getpid());
	if (finish_frame(&frame))
		write_all(CONNECTION, frame.data, frame.size); /* a resident that is gone is seen when it is read from */
	free_message(&frame);
}

/* What a child of a container could change is not what we go on from. */
static void seal(void)
{
	char *arguments[] = { "gantry-runc", "runc-sealed", NULL };
	fcntl(CONNECTION, F_SETFD, 0);
	run_sealed(arguments);
	warn("cannot run from memory");
	_exit(FAILED);
}

int on_taken(struct supervisor *us, struct request *request)
{
	(void)us;
	taken = true;
	if (request->taken.seals && !sealed())
		seal();
	return 0;
}

int on_output(struct supervisor *us, struct request *request)
{
	struct bytes bytes = request->output.data;
	(void)us;
	if (write_all((int)request->output.fd, bytes.data, bytes.size) == -EPIPE) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	return 0;
}

/* What is sent to the command from here on is for the process that it stands for. */
int on_hold(struct supervisor *us, struct request *request)
{
	(void)request;
	sigset_t all;
	sigfillset(&all);
	for (int fault = 0; fault < 5; fault++)
		sigdelset(&all, (const int[]){ SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGPIPE }[fault]);
	catch_signals(us, &all);
	return 0;
}

int on_wait(struct supervisor *us, struct request *request)
{
	(void)request;
	us->reaps = true;
	return 0;
}

int on_exit_with(struct supervisor *us, struct request *request)
{
	(void)us;
	code = (int)request->exit_with.code;
	return 0;
}

static bool is_served(const struct supervisor *us)
{
	for (const struct connection *connection = us->connections; connection; connection = connection->next)
		if (connection->role == ROLE_CONTROL)
			return true;
	return false;
}

/* Without the resident: a process that runs for the caller goes on, anything else is given up. */
static int serve_connection(void)
{
	struct supervisor us;
	prctl(PR_SET_NAME, "gantry-runc", 0, 0, 0);
	begin_supervising(&us);
	us.drain_ms = DRAIN_MS;
	add_connection(&us, CONNECTION, ROLE_CONTROL);
	while (code < 0 && (is_served(&us) || (us.reaps && us.init && us.init->state != PROCESS_REPORTED)))
		serve_events(&us, -1);
	if (code >= 0)
		return code;
	if (us.reaps && us.init)
		return us.init->exit_code;
	kill_all(&us);
	if (us.init && us.init->state < PROCESS_ENDED)
		waitpid(us.init->pid, NULL, 0);
	if (us.init)
		close_outputs(us.init);
	if (taken)
		warnx("the resident has ended");
	return FAILED;
}

int runc_sealed_main(void)
{
	fcntl(CONNECTION, F_SETFD, FD_CLOEXEC);
	signal(SIGPIPE, SIG_IGN);
	taken = true;
	return serve_connection();
}

static void open_missing_streams(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
}

int runc_main(char *launcher, const char *build, const char *folder)
{
	enum { TRIES = 5 };
	program_invocation_short_name = basename(launcher); /* what our messages begin with */
	open_missing_streams();
	signal(SIGPIPE, SIG_IGN);
	for (int tries = 0; tries < TRIES; tries++) { /* a resident may end just as we come */
		int fd = connect_resident(launcher, build, folder);
		if (fd < 0)
			return FAILED;
		if (dup3(fd, CONNECTION, O_CLOEXEC) < 0) {
			warn("descriptors are limited to fewer than it needs");
			return FAILED;
		}
		close(fd);
		say_hello();
		int result = serve_connection();
		if (taken)
			return result;
	}
	warnx("the resident does not answer");
	return FAILED;
}
