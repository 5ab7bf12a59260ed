/* Operations on what a process is and may do. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run.h"

int do_cap_bounding(struct context *context, const struct op_cap_bounding *op)
{
	for (unsigned long cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(op->mask >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return fail(context, "prctl(PR_CAPBSET_DROP)");
	return 0;
}

int do_capset(struct context *context, const struct op_capset *op)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(op->effective >> 32 * i);
		data[i].permitted = (uint32_t)(op->permitted >> 32 * i);
		data[i].inheritable = (uint32_t)(op->inheritable >> 32 * i);
	}
	return checked(context, "capset", syscall(SYS_capset, &header, data));
}

int do_cap_ambient(struct context *context, const struct op_cap_ambient *op)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return fail(context, "prctl(PR_CAP_AMBIENT_CLEAR_ALL)");
	for (unsigned long cap = 0; cap < 64; cap++)
		if (op->mask >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return fail(context, "prctl(PR_CAP_AMBIENT_RAISE)");
	return 0;
}

int do_prctl(struct context *context, const struct op_prctl *op)
{
	unsigned long args[4] = { 0 };
	struct list list = op->args;
	for (uint32_t i = 0; i < list.count && i < 4; i++)
		args[i] = read_u32(&list.items);
	return checked(context, "prctl", prctl((int)op->option, args[0], args[1], args[2], args[3]));
}

int do_seccomp(struct context *context, const struct op_seccomp *op)
{
	size_t count = op->filter.size / sizeof(struct sock_filter);
	if (count > UINT16_MAX || op->filter.size % sizeof(struct sock_filter) != 0)
		return refuse(context, "seccomp", EINVAL);
	struct sock_fprog program = { .len = (unsigned short)count, .filter = (void *)(uintptr_t)op->filter.data };
	int wanted = op->listener_slot == SLOT_NONE ? 0 : slot_fd(op->listener_slot);
	for (int fd = wanted ? 0 : 1; fd < wanted - 1;) /* the kernel takes the lowest that is free */
		if ((fd = fcntl(0, F_DUPFD_CLOEXEC, 0)) < 0)
			return fail(context, "fcntl(F_DUPFD)");
	long made = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, op->flags, &program);
	return made >= 0 && made != wanted ? refuse(context, "seccomp", EBUSY) : checked(context, "seccomp", made);
}

int do_chdir(struct context *context, const struct op_chdir *op)
{
	char where[PATH_SIZE];
	if (chdir(op->path) < 0)
		return fail(context, "chdir");
	if (syscall(SYS_getcwd, where, sizeof(where)) < 0 || where[0] != '/')
		return refuse(context, "getcwd", ENOENT); /* outside the root: an inherited handle (CVE-2024-21626) */
	return 0;
}
