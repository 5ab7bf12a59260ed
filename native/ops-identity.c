/* Operations on what a process is and may do. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run.h"

static int do_setgroups(struct context *context, struct list gids)
{
	enum { MOST = 65536 };
	gid_t *all = gids.count > MOST ? NULL : calloc(gids.count + 1u, sizeof(*all));
	if (!all) {
		errno = EINVAL;
		return fail(context, "setgroups");
	}
	for (uint32_t i = 0; i < gids.count; i++)
		all[i] = read_u32(&gids.items);
	int result = syscall(SYS_setgroups, (size_t)gids.count, all) < 0 ? fail(context, "setgroups") : 0;
	free(all);
	return result;
}

static int do_cap_bounding(struct context *context, uint64_t mask)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (mask >> cap & 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return fail(context, "prctl(PR_CAPBSET_DROP)");
	}
	return 0;
}

static int do_capset(struct context *context, const struct op_capset *op)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(op->effective >> 32 * i);
		data[i].permitted = (uint32_t)(op->permitted >> 32 * i);
		data[i].inheritable = (uint32_t)(op->inheritable >> 32 * i);
	}
	return syscall(SYS_capset, &header, data) < 0 ? fail(context, "capset") : 0;
}

static int do_cap_ambient(struct context *context, uint64_t mask)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return fail(context, "prctl(PR_CAP_AMBIENT_CLEAR_ALL)");
	for (unsigned long cap = 0; cap < 64; cap++)
		if (mask >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return fail(context, "prctl(PR_CAP_AMBIENT_RAISE)");
	return 0;
}

static int do_prctl(struct context *context, const struct op_prctl *op)
{
	unsigned long args[4] = { 0 };
	struct list list = op->args;
	for (uint32_t i = 0; i < list.count && i < 4; i++)
		args[i] = read_u32(&list.items);
	return prctl((int)op->option, args[0], args[1], args[2], args[3]) < 0 ? fail(context, "prctl") : 0;
}

static int do_seccomp(struct context *context, const struct op_seccomp *op)
{
	size_t count = op->filter.size / sizeof(struct sock_filter);
	if (count == 0 || count > UINT16_MAX || op->filter.size % sizeof(struct sock_filter) != 0) {
		errno = EINVAL;
		return fail(context, "seccomp");
	}
	struct sock_filter *filter = malloc(op->filter.size); /* aligned, unlike the wire */
	if (!filter)
		return fail(context, "malloc");
	memcpy(filter, op->filter.data, op->filter.size);
	struct sock_fprog program = { .len = (unsigned short)count, .filter = filter };
	long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, op->flags, &program);
	int failure = result < 0 ? fail(context, "seccomp") : 0;
	free(filter);
	return failure;
}

static int do_chdir(struct context *context, const char *path)
{
	char where[4096];
	if (chdir(path) < 0)
		return fail(context, "chdir");
	if (syscall(SYS_getcwd, where, sizeof(where)) < 0 || where[0] != '/') {
		errno = ENOENT; /* a directory outside the root: an inherited handle (CVE-2024-21626) */
		return fail(context, "getcwd");
	}
	return 0;
}

static int do_rlimit(struct context *context, const struct op_rlimit *op)
{
	struct rlimit limit = { .rlim_cur = op->soft, .rlim_max = op->hard };
	return setrlimit((int)op->resource, &limit) < 0 ? fail(context, "setrlimit") : 0;
}

int run_identity_op(struct context *context, const struct op *op)
{
	switch (op->code) {
	case OP_CHDIR:
		return do_chdir(context, op->chdir.path);
	case OP_UMASK:
		umask(op->umask.mask);
		return 0;
	case OP_SETHOSTNAME:
		return sethostname(op->sethostname.name, strlen(op->sethostname.name)) < 0 ? fail(context, "sethostname") : 0;
	case OP_SETDOMAINNAME:
		return setdomainname(op->setdomainname.name, strlen(op->setdomainname.name)) < 0
			       ? fail(context, "setdomainname")
			       : 0;
	case OP_RLIMIT:
		return do_rlimit(context, &op->rlimit);
	case OP_SETGROUPS:
		return do_setgroups(context, op->setgroups.gids);
	case OP_SETGID:
		return setresgid(op->setgid.gid, op->setgid.gid, op->setgid.gid) < 0 ? fail(context, "setresgid") : 0;
	case OP_SETUID:
		return setresuid(op->setuid.uid, op->setuid.uid, op->setuid.uid) < 0 ? fail(context, "setresuid") : 0;
	case OP_CAP_BOUNDING:
		return do_cap_bounding(context, op->cap_bounding.mask);
	case OP_CAPSET:
		return do_capset(context, &op->capset);
	case OP_CAP_AMBIENT:
		return do_cap_ambient(context, op->cap_ambient.mask);
	case OP_PRCTL:
		return do_prctl(context, &op->prctl);
	case OP_PERSONALITY:
		return personality(op->personality.persona) < 0 ? fail(context, "personality") : 0;
	case OP_JOIN_SESSION_KEYRING:
		if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, op->join_session_keyring.name, 0, 0, 0) < 0)
			return fail(context, "keyctl");
		return 0;
	case OP_SECCOMP:
		return do_seccomp(context, &op->seccomp);
	default:
		return -ENOSYS;
	}
}
