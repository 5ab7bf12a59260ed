/* gantry-exec: runs plans and keeps containers. See PROTOCOL.md. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "shim.h"
#include "zygote.h"

/* Goes on from a sealed copy in memory: no process of a container can change the program of the next one (CVE-2019-5736). */
static int run_sealed(char **arguments)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int copy = memfd_create("gantry-exec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (file < 0 || copy < 0)
		return -1;
	ssize_t n;
	while ((n = sendfile(copy, file, NULL, 1 << 20)) > 0)
		;
	if (n < 0 || fcntl(copy, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -1;
	char *environment[] = { NULL };
	return fexecve(copy, arguments, environment);
}

static bool sealed(void)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int seals = file < 0 ? -1 : fcntl(file, F_GET_SEALS);
	if (file >= 0)
		close(file);
	return seals >= 0 && seals & F_SEAL_WRITE;
}

int main(int count, char **arguments)
{
	if (count == 3 && strcmp(arguments[1], "zygote") == 0) {
		if (!sealed()) {
			run_sealed(arguments);
			perror("gantry-exec: cannot run from memory");
			return 1;
		}
		prctl(PR_SET_NAME, "gantry-zygote", 0, 0, 0);
		return zygote_main(arguments[2]);
	}
	if (count == 4 && strcmp(arguments[1], "shim") == 0)
		return shim_main(arguments[2], arguments[3]);
	fputs("usage: gantry-exec zygote SOCKET\n", stderr);
	return 2;
}
