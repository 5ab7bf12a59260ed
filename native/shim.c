/* A shim's life: it ends by itself when its container has ended, the exit is recorded and told, and every client has its part. */
#define _GNU_SOURCE
#include "programs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor.h"

enum { CREATOR = 3, DRAIN_MS = 3000, LINGER_MS = 10000 };

static bool everything_reported(const struct supervisor *us)
{
	for (const struct process *process = us->processes; process; process = process->next)
		if (process->state != PROCESS_REPORTED)
			return false;
	return us->init != NULL || us->connections == NULL; /* whoever wanted a container is gone */
}

/* A slow client gets all of its output, however long it takes; then it, and the daemon, have a while to close. */
static bool may_leave(const struct supervisor *us, int64_t *leave_at)
{
	bool pending = false, ending = false;
	if (!everything_reported(us) || us->owner)
		return false;
	for (struct connection *client = us->connections; client; client = client->next) {
		/* A daemon that writes to a closed connection is told so before it has read what came last. */
		if (client->role == ROLE_CONTROL && !client->ending && !client->source.kept.data)
			end_connection(client);
		pending |= client->source.kept.data && client->role == ROLE_CLIENT;
		ending |= client->ending || client->role == ROLE_CONTROL;
	}
	if (*leave_at == 0 || pending)
		*leave_at = now() + LINGER_MS;
	return !pending && (!ending || now() >= *leave_at);
}

static int open_sources(struct supervisor *us)
{
	sigset_t children;
	us->listener.fd = chdir(us->directory) < 0 ? -1 : listen_at("shim.sock"); /* an address holds no long path */
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	catch_signals(us, &children);
	fcntl(CREATOR, F_SETFL, O_NONBLOCK);
	accept_connection(us, CREATOR);
	return chdir("/") < 0 || us->listener.fd < 0 || us->signals.fd < 0 ? -1 : 0;
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
	prctl(PR_SET_NAME, "gantry-shim", 0, 0, 0);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	fcntl(CREATOR, F_SETFD, FD_CLOEXEC);
	syscall(SYS_close_range, CREATOR + 1, ~0U, 0);
	/* The slots' numbers are taken, so that none of our own fds gets one: host operations and children use them. */
	for (int slot = 0; slot <= SLOT_SYNC; slot++)
		dup3(STDIN_FILENO, SLOT_BASE + slot, O_CLOEXEC);
}

int shim_main(const char *id, const char *directory)
{
	struct supervisor us;
	int64_t leave_at = 0;
	(void)id; /* for the process list */
	settle();
	begin_supervising(&us);
	us.directory = directory;
	us.reaps = true;
	us.drain_ms = DRAIN_MS;
	us.protected_from_oom = set_oom_score("-999"); /* children go back to 0 */
	if (open_sources(&us) < 0)
		return 1;
	while (!may_leave(&us, &leave_at))
		serve_events(&us, leave_at ? 100 : -1);
	run_each(&us.will, 0);
	return 0;
}
