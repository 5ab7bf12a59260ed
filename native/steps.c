/* The steps that are not system calls. Each gets its arguments as numbers and returns a number, or a negative errno as calls do. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run.h"

/* One number and the product of two others, or a failure: it is one, unless the program looks at it. */
long step_value(struct machine *machine, const long a[])
{
	(void)machine;
	return a[0] + a[1] * a[2];
}

/* Of some memory: how far in it begins what is in other memory. */
long step_find(struct machine *machine, const long a[])
{
	const void *found = memmem((const void *)a[0], (size_t)a[1], (const void *)a[2], (size_t)a[3]);
	(void)machine;
	return found ? (const char *)found - (const char *)a[0] : -ENOENT;
}

/* Of memory, in bytes (1 to 8, little endian), and a mask. */
long step_load(struct machine *machine, const long a[])
{
	uint64_t value = 0;
	(void)machine;
	memcpy(&value, (const void *)a[0], (size_t)a[1]);
	return (long)(value & (uint64_t)a[2]);
}

long step_store(struct machine *machine, const long a[])
{
	(void)machine;
	memcpy((void *)a[0], &a[2], (size_t)a[1]);
	return 0;
}

/* If the comparison holds, goes on that many bytes of code behind, or before. */
long step_skip(struct machine *machine, const long a[])
{
	struct reader *code = &machine->code;
	const uint8_t *begin = machine->op->code.data;
	bool holds = a[1] == COMPARE_EQUAL	? a[0] == a[2]
		     : a[1] == COMPARE_UNEQUAL	? a[0] != a[2]
		     : a[1] == COMPARE_LESS	? a[0] < a[2]
						: a[0] >= a[2];
	if (!holds)
		return 0;
	if (a[3] < begin - code->at || a[3] > code->end - code->at)
		return refuse(machine->context, "decode", EBADMSG);
	code->at += a[3];
	return 0;
}

/* As printf(3) writes the rest into that much room: the length. The format is ours, "%s" and "%ld" only. */
long step_print(struct machine *machine, const long a[])
{
	int length = snprintf((char *)a[0], (size_t)a[1], (const char *)a[2], a[3], a[4], a[5], a[6], a[7]);
	return length < a[1] ? length : refuse(machine->context, "print", ENAMETOOLONG);
}

long step_write(struct machine *machine, const long a[])
{
	int error = write_all((int)a[0], (const void *)a[1], (size_t)a[2]);
	return error < 0 ? refuse(machine->context, "write", -error) : 0;
}

/* Bytes that the operation returns. */
long step_result(struct machine *machine, const long a[])
{
	put_result(machine->context, (const void *)a[0], (size_t)a[1]);
	return 0;
}

/* "text: what the failure means", to whoever reads the standard error. */
long step_complain(struct machine *machine, const long a[])
{
	(void)machine;
	return dprintf(STDERR_FILENO, "%s: %s", (const char *)a[0], strerror((int)-a[1]));
}
