/* gantry-exec: runs plans and keeps containers. See PROTOCOL.md. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "programs.h"

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
	if (count >= 5 && strcmp(arguments[1], "runc") == 0)
		return runc_main(arguments[2], arguments[3], arguments[4]); /* the words behind them are for the resident */
	if (count == 2 && strcmp(arguments[1], "runc-sealed") == 0)
		return runc_sealed_main();
	fputs("usage: gantry-exec zygote SOCKET\n", stderr);
	return 2;
}
