/* What a hostile container runs against the mounts of another. Built by the tests, static.
 *   intruder flip A B   exchanges two names for ever */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static void flip(const char *one, const char *other)
{
	for (;;)
		renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);
}

int main(int count, char **words)
{
	if (count == 4 && strcmp(words[1], "flip") == 0)
		flip(words[2], words[3]);
	return 2;
}
