/* What the shim's loop watches, and what such an fd did not take yet. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "shim.h"

int watch(struct shim *shim, struct source *source, uint32_t events)
{
	if (source->fd < 0 || source->events == events)
		return 0;
	struct epoll_event event = { .events = events, .data.ptr = source };
	int command = source->events == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
	if (epoll_ctl(shim->epoll, command, source->fd, &event) < 0)
		return -errno;
	source->events = events;
	return 0;
}

void unwatch(struct shim *shim, struct source *source)
{
	if (source->fd < 0)
		return;
	watch(shim, source, 0);
	close_fd(&source->fd);
	forget_kept(source);
}

void forget_kept(struct source *source)
{
	free(source->kept.data);
	source->kept.data = NULL;
	source->kept.size = source->kept.at = 0;
}

static bool keep(struct source *source, const uint8_t *data, size_t size)
{
	size_t left = source->kept.size - source->kept.at;
	if (left > 0)
		memmove(source->kept.data, source->kept.data + source->kept.at, left);
	source->kept.at = 0;
	source->kept.size = left;
	uint8_t *grown = realloc(source->kept.data, left + size);
	if (!grown)
		return false;
	memcpy(grown + left, data, size);
	source->kept.data = grown;
	source->kept.size += size;
	return true;
}

int flush_source(struct source *source)
{
	ssize_t n = write(source->fd, source->kept.data + source->kept.at, source->kept.size - source->kept.at);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	source->kept.at += (size_t)n;
	if (source->kept.at < source->kept.size)
		return 0;
	forget_kept(source);
	return 1;
}

int write_source(struct source *source, const uint8_t *data, size_t size)
{
	ssize_t n = source->kept.data ? 0 : write(source->fd, data, size);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	size_t taken = n < 0 ? 0 : (size_t)n;
	if (taken == size)
		return 1;
	return keep(source, data + taken, size - taken) ? 0 : -ENOMEM;
}
