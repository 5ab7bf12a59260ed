/* Frame types of PROTOCOL.md. */
#ifndef GANTRY_PROTOCOL_H
#define GANTRY_PROTOCOL_H

enum frame_type {
	/* to the zygote */
	FRAME_PLAN = 'P',
	FRAME_STREAM = 'S',
	FRAME_OPS = 'O',
	FRAME_END = 'E',
	FRAME_SHIM = 'C',
	/* from the zygote and from a shim */
	FRAME_DONE = 'D',
	FRAME_FAILED = 'F',
	/* to a shim; the body begins with a u32 request number that the reply repeats */
	FRAME_CREATE = 'c',
	FRAME_START = 's',
	FRAME_EXEC = 'e',
	FRAME_KILL = 'k',
	FRAME_RESIZE = 'r',
	FRAME_CLOSE_STDIN = 'i',
	FRAME_STATUS = 't',
	FRAME_ATTACH = 'a',
	/* from a shim, unasked */
	FRAME_EXIT = 'x',
};

#endif
