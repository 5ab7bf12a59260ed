#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "run.h"

/* Takes one datagram apart: how many of what was asked it ends. What is neither an error nor an end is a result. */
static int take_replies(struct context *context, const uint8_t *buffer, ssize_t size)
{
	struct nlmsghdr header;
	int ended = 0, error = 0;
	for (ssize_t at = 0; size - at >= (ssize_t)sizeof(header); at += NLMSG_ALIGN(header.nlmsg_len)) {
		memcpy(&header, buffer + at, sizeof(header));
		if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > size - at)
			break;
		bool ends = header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE;
		if (!ends)
			put_result(context, buffer + at, header.nlmsg_len);
		else if (header.nlmsg_len < NLMSG_LENGTH(sizeof(error)))
			return -EBADMSG;
		else
			memcpy(&error, buffer + at + NLMSG_HDRLEN, sizeof(error));
		if (error < 0)
			return error;
		ended += ends;
	}
	return ended;
}

/* Socket, message, its size, and how many replies end what it asks; room for answers and its size. Only the kernel is listened to:
 * what else runs in a container's network namespace could send an answer, too. */
long step_talk(struct machine *machine, const long a[])
{
	struct context *context = machine->context;
	if (send((int)a[0], (const void *)a[1], (size_t)a[2], 0) < 0)
		return fail(context, "send");
	for (long left = a[3]; left > 0;) {
		struct sockaddr_nl from = { 0 };
		socklen_t length = sizeof(from);
		ssize_t n = recvfrom((int)a[0], (void *)a[4], (size_t)a[5], 0, (struct sockaddr *)&from, &length);
		if (n < 0 && errno != EINTR)
			return fail(context, "recv");
		int ended = n > 0 && from.nl_pid == 0 ? take_replies(context, (const uint8_t *)a[4], n) : 0;
		if (ended < 0)
			return refuse(context, "netlink", -ended);
		left -= ended;
	}
	return 0;
}
