/* Netlink conversations, and eBPF device programs of cgroup v2. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "run.h"

enum { RECEIVE_SIZE = 64 << 10, DUMP_FLAGS = 0x300 };

static bool ignored(struct list errnos, int error)
{
	for (uint32_t i = 0; i < errnos.count; i++)
		if ((int)read_u32(&errnos.items) == error)
			return true;
	return false;
}

/* How many replies end what was asked: one for each message that wants an acknowledgement or a dump. */
static uint32_t expected_replies(struct bytes message)
{
	uint32_t count = 0;
	struct nlmsghdr header;
	for (uint32_t at = 0; message.size - at >= sizeof(header);) {
		memcpy(&header, message.data + at, sizeof(header));
		count += (header.nlmsg_flags & NLM_F_ACK) || (header.nlmsg_flags & DUMP_FLAGS) == DUMP_FLAGS;
		uint32_t size = NLMSG_ALIGN(header.nlmsg_len);
		if (size < sizeof(header) || size > message.size - at)
			break;
		at += size;
	}
	return count;
}

static int reply_error(const struct nlmsghdr *header)
{
	int error;
	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(error)))
		return -EBADMSG;
	memcpy(&error, NLMSG_DATA(header), sizeof(error));
	return error;
}

/* Takes one datagram apart; *left counts the replies still to come. */
static int take_replies(struct context *context, const struct op_netlink *op, uint8_t *buffer, ssize_t size, uint32_t *left)
{
	int length = (int)size;
	for (struct nlmsghdr *header = (struct nlmsghdr *)(void *)buffer; NLMSG_OK(header, (uint32_t)length);
	     header = NLMSG_NEXT(header, length)) {
		if (header->nlmsg_type != NLMSG_ERROR && header->nlmsg_type != NLMSG_DONE) {
			put_result(context, header, header->nlmsg_len);
			continue;
		}
		int error = reply_error(header);
		if (error < 0 && !ignored(op->ignore_errno, -error))
			return refuse(context, "netlink", -error);
		if (*left > 0)
			--*left;
	}
	return 0;
}

/* Only the kernel is listened to: what else runs in a container's network namespace could send an answer, too. */
static int converse(struct context *context, const struct op_netlink *op, int fd, const struct message *request, uint32_t left)
{
	static _Alignas(struct nlmsghdr) uint8_t buffer[RECEIVE_SIZE];
	int result = send(fd, request->data, request->size, 0) < 0 ? fail(context, "send") : 0;
	while (result == 0 && left > 0) {
		struct sockaddr_nl from = { 0 };
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &size);
		if (n < 0 && errno != EINTR)
			result = fail(context, "recv");
		else if (n > 0 && from.nl_pid == 0)
			result = take_replies(context, op, buffer, n, &left);
	}
	return result;
}

/* nftables takes a batch as one datagram; rtnetlink stops at the first failure only if asked one by one. */
int do_netlink(struct context *context, const struct op_netlink *op)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, (int)op->protocol);
	if (fd < 0)
		return fail(context, "socket");
	/* Closing an nftables socket waits 20 ms for what its batches removed: that is left to the end of the process, after the reply. */
	cleanup_fd int closed = op->protocol == NETLINK_NETFILTER ? -1 : fd;
	(void)closed;
	struct timeval limit = { .tv_sec = 10 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	int large = 4 << 20;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof(large));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof(large));

	struct list messages = op->messages;
	struct message datagram = { 0 };
	uint32_t expected = 0;
	int result = 0;
	for (uint32_t i = 0; i < messages.count && result == 0; i++) {
		struct bytes one = read_bytes(&messages.items);
		put_bytes(&datagram, one.data, one.size);
		if (i == 0 && op->pid_at && op->pid_at + sizeof(context->pid) <= datagram.size)
			memcpy(datagram.data + op->pid_at, &context->pid, sizeof(context->pid));
		expected += expected_replies(one);
		if (op->protocol == NETLINK_NETFILTER && i + 1 < messages.count)
			continue;
		result = datagram.failed ? refuse(context, "malloc", ENOMEM) : converse(context, op, fd, &datagram, expected);
		datagram.size = expected = 0;
	}
	free_message(&datagram);
	return result;
}

static long bpf(int command, union bpf_attr *attributes)
{
	return syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

static const union bpf_attr nothing; /* every byte of what the kernel is given must be zero or meant */

static int load_device_program(struct context *context, struct bytes program)
{
	union bpf_attr load = nothing;
	load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	load.insns = (uintptr_t)program.data;
	load.insn_cnt = program.size / (uint32_t)sizeof(struct bpf_insn);
	load.license = (uintptr_t) "Apache-2.0";
	long fd = bpf(BPF_PROG_LOAD, &load);
	return fd < 0 ? fail(context, "bpf(BPF_PROG_LOAD)") : (int)fd;
}

static int attach_program(struct context *context, int cgroup, int program)
{
	union bpf_attr attach = nothing;
	attach.target_fd = (uint32_t)cgroup;
	attach.attach_bpf_fd = (uint32_t)program;
	attach.attach_type = BPF_CGROUP_DEVICE;
	attach.attach_flags = BPF_F_ALLOW_MULTI;
	return checked(context, "bpf(BPF_PROG_ATTACH)", bpf(BPF_PROG_ATTACH, &attach));
}

static int detach_program(struct context *context, int cgroup, uint32_t id)
{
	union bpf_attr by_id = nothing, detach = nothing;
	by_id.prog_id = id;
	cleanup_fd int program = (int)bpf(BPF_PROG_GET_FD_BY_ID, &by_id);
	if (program < 0)
		return fail(context, "bpf(BPF_PROG_GET_FD_BY_ID)");
	detach.target_fd = (uint32_t)cgroup;
	detach.attach_bpf_fd = (uint32_t)program;
	detach.attach_type = BPF_CGROUP_DEVICE;
	return checked(context, "bpf(BPF_PROG_DETACH)", bpf(BPF_PROG_DETACH, &detach));
}

int do_bpf_device(struct context *context, const struct op_bpf_device *op)
{
	uint32_t old[64];
	union bpf_attr query = nothing;
	cleanup_fd int cgroup = open_path(context, SLOT_NONE, op->path, O_RDONLY | O_DIRECTORY, 0);
	if (cgroup < 0)
		return cgroup;
	query.query.target_fd = (uint32_t)cgroup;
	query.query.attach_type = BPF_CGROUP_DEVICE;
	query.query.prog_ids = (uintptr_t)old;
	query.query.prog_cnt = sizeof(old) / sizeof(old[0]);
	if (bpf(BPF_PROG_QUERY, &query) < 0)
		return fail(context, "bpf(BPF_PROG_QUERY)");
	cleanup_fd int program = load_device_program(context, op->program);
	int result = program < 0 ? program : attach_program(context, cgroup, program);
	for (uint32_t i = 0; i < query.query.prog_cnt && result == 0; i++)
		result = detach_program(context, cgroup, old[i]);
	return result;
}
