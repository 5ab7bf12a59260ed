#define _GNU_SOURCE
#include "sync.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union fd_control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

int send_fd(int fd, const void *data, size_t size, int carried)
{
	union fd_control control = { .header = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct iovec part = { .iov_base = (void *)(uintptr_t)data, .iov_len = size };
	struct msghdr sent = { .msg_iov = &part, .msg_iovlen = 1 };
	if (carried >= 0) {
		memcpy(CMSG_DATA(&control.header), &carried, sizeof(carried));
		sent.msg_control = &control;
		sent.msg_controllen = sizeof(control);
	}
	ssize_t n;
	do
		n = sendmsg(fd, &sent, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int sync_send(int fd, const struct sync_message *message, int carried)
{
	return send_fd(fd, message, sizeof(*message), carried);
}

ssize_t sync_receive(int fd, struct sync_message *message, int *carried)
{
	union fd_control control = { 0 };
	struct iovec part = { .iov_base = message, .iov_len = sizeof(*message) };
	struct msghdr received = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	*carried = -1;
	ssize_t n = recvmsg(fd, &received, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&received) : NULL;
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(carried, CMSG_DATA(header), sizeof(*carried));
	return n;
}

int sync_ask(int fd, enum sync_kind kind, uint32_t index)
{
	struct sync_message message = { .kind = kind, .at.index = index };
	ssize_t n;
	if (write(fd, &message, sizeof(message)) < 0) /* not sendmsg: no filter of system calls may hand `write` to a listener */
		return -errno;
	do
		n = read(fd, &message, sizeof(message));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(message) && message.kind == SYNC_GO ? 0 : -ECANCELED; /* the shim went away or gave up */
}
