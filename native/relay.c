#define _GNU_SOURCE
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "run.h"

enum { CHUNK = 16 << 10 };

static bool write_whole(int fd, const uint8_t *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, data + done, size - done);
		if (n < 0 && errno == EAGAIN)
			poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
		else if (n < 0 && errno != EINTR)
			return false;
		else if (n > 0)
			done += (size_t)n;
	}
	return true;
}

/* False: nothing comes any more. */
static bool copy(int from, int to)
{
	uint8_t data[CHUNK];
	ssize_t n = read(from, data, sizeof(data));
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	return n > 0 && write_whole(to, data, (size_t)n);
}

void resize_relay(const struct relay *relay)
{
	struct winsize size;
	if (relay->master >= 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		ioctl(relay->master, TIOCSWINSZ, &size);
}

void begin_relay(struct relay *relay, int master)
{
	relay->master = master;
	relay->raw = tcgetattr(STDIN_FILENO, &relay->before) == 0;
	if (relay->raw) {
		struct termios wanted = relay->before;
		cfmakeraw(&wanted);
		tcsetattr(STDIN_FILENO, TCSANOW, &wanted);
	}
	resize_relay(relay);
}

void end_relay(struct relay *relay)
{
	if (relay->master >= 0) {
		fcntl(relay->master, F_SETFL, O_NONBLOCK);
		while (poll(&(struct pollfd){ .fd = relay->master, .events = POLLIN }, 1, 0) > 0 && copy(relay->master, STDOUT_FILENO))
			;
	}
	close_fd(&relay->master);
	if (relay->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &relay->before);
	relay->raw = false;
}

int relay_input(const struct relay *relay)
{
	return relay->master >= 0 && !relay->silent ? STDIN_FILENO : -1;
}

void relay_keys(struct relay *relay)
{
	relay->silent = !copy(STDIN_FILENO, relay->master);
}

void relay_output(struct relay *relay)
{
	if (!copy(relay->master, STDOUT_FILENO))
		close_fd(&relay->master);
}
