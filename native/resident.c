/* How a command finds its resident: by a socket whose name stands for the namespaces, the rights and the build that both have. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "ops.gen.h"
#include "programs.h"
#include "run.h"

struct place {
	char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char lock[sizeof(((struct sockaddr_un *)0)->sun_path) + 8];
};

/* FNV-1a: whoever could make two of them meet has our rights anyway. */
static void mix(uint64_t *hash, const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		*hash = (*hash ^ ((const uint8_t *)data)[i]) * 0x100000001b3;
}

/* A namespace's times are those of an inode that comes and goes; a program's tell one build from another. */
static void mix_file(uint64_t *hash, const char *path, bool program)
{
	struct stat found = { 0 };
	if (stat(path, &found) < 0)
		return;
	mix(hash, &found.st_dev, sizeof(found.st_dev));
	mix(hash, &found.st_ino, sizeof(found.st_ino));
	if (program)
		mix(hash, &found.st_mtim, sizeof(found.st_mtim));
}

static uint64_t identity(const char *build)
{
	static const char *const places[] = { "/", "/proc/self/ns/user", "/proc/self/ns/mnt", "/proc/self/ns/pid", "/proc/self/ns/cgroup" };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct rights[2] = { 0 };
	uint32_t version = PLAN_VERSION;
	uint64_t hash = 0xcbf29ce484222325;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		mix_file(&hash, places[i], false);
	mix_file(&hash, build, true);
	mix_file(&hash, "/proc/self/exe", true);
	syscall(SYS_capget, &header, rights);
	mix(&hash, rights, sizeof(rights));
	mix(&hash, &version, sizeof(version));
	return hash;
}

/* Ours alone. */
static bool usable(const char *directory)
{
	struct stat found;
	if (mkdir(directory, 0700) < 0 && errno != EEXIST)
		return false;
	return lstat(directory, &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == geteuid() && (found.st_mode & 077) == 0;
}

static bool choose_place(struct place *place, const char *build, const char *folder)
{
	size_t size = sizeof(place->socket);
	if ((size_t)snprintf(place->socket, size, "%s/%016llx", folder, (unsigned long long)identity(build)) >= size)
		return false;
	snprintf(place->lock, sizeof(place->lock), "%s.lock", place->socket);
	return usable(folder);
}

static int try_connect(const struct place *place)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	memcpy(address.sun_path, place->socket, sizeof(address.sun_path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && peer_trusted(fd))
		return fd;
	close_fd(&fd);
	return -1;
}

/* Session, descriptors and signals are none of the command's; of its environment the launcher drops what is. */
__attribute__((noreturn)) static void become_resident(char *launcher, const struct place *place, int ready)
{
	char *arguments[] = { launcher, NULL };
	setsid();
	reset_signals();
	umask(022);
	setenv("GANTRY_RUNC_RESIDENT", place->socket, 1);
	dup2(open("/dev/null", O_RDWR | O_CLOEXEC), STDIN_FILENO);
	dup2(ready, STDOUT_FILENO);
	syscall(SYS_close_range, 3, ~0U, 0);
	execv(launcher, arguments);
	warn("%s", launcher);
	_exit(127);
}

/* Until the resident listens: it says a byte. What went wrong it tells on our standard error. */
static bool start_resident(char *launcher, const struct place *place)
{
	int ends[2];
	char byte;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	if (fork() == 0)
		become_resident(launcher, place, ends[1]);
	cleanup_fd int ready = ends[0];
	close(ends[1]);
	return read(ready, &byte, 1) == 1;
}

/* One command at a time starts a resident; the others wait for it. */
int connect_resident(char *launcher, const char *build, const char *folder)
{
	struct place place = { 0 };
	if (!choose_place(&place, build, folder)) {
		warnx("%s is no folder for the resident's socket: set XDG_RUNTIME_DIR", folder);
		return -1;
	}
	int fd = try_connect(&place);
	if (fd >= 0)
		return fd;
	cleanup_fd int lock = open(place.lock, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
	flock(lock, LOCK_EX);
	fd = try_connect(&place);
	if (fd < 0 && start_resident(launcher, &place))
		fd = try_connect(&place);
	if (fd < 0)
		warnx("the resident did not start");
	return fd;
}
