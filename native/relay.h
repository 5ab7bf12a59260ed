/* Between the caller's terminal and the one of a process in the foreground. */
#ifndef GANTRY_RELAY_H
#define GANTRY_RELAY_H

#include <stdbool.h>
#include <termios.h>

struct relay {
	int master; /* -1: there is none */
	bool raw, silent; /* the caller's terminal was changed; its input has ended */
	struct termios before;
};

void begin_relay(struct relay *relay, int master);
/* Writes what is left, and gives the caller's terminal back. */
void end_relay(struct relay *relay);
void resize_relay(const struct relay *relay);
/* The fd to read keys from, or -1. */
int relay_input(const struct relay *relay);
void relay_keys(struct relay *relay);
void relay_output(struct relay *relay);

#endif
