/* Frame types of PROTOCOL.md. */
#ifndef GANTRY_PROTOCOL_H
#define GANTRY_PROTOCOL_H

enum frame_type {
	/* to the zygote */
	FRAME_PLAN = 'P',
	FRAME_STREAM = 'S',
	FRAME_OPS = 'O',
	FRAME_FLUSH = 'Y',
	FRAME_END = 'E',
	FRAME_SHIM = 'C',
	/* from the zygote and from a shim */
	FRAME_DONE = 'D',
	FRAME_FAILED = 'F',
	FRAME_RESULTS = 'R',
	FRAME_ENTRY = 'T',
	FRAME_CONTENT = 'B',
	/* to a shim; the body begins with a u32 request number that the reply repeats */
	FRAME_CREATE = 'c',
	FRAME_START = 's',
	FRAME_EXEC = 'e',
	FRAME_KILL = 'k',
	FRAME_RESIZE = 'r',
	FRAME_CLOSE_STDIN = 'i',
	FRAME_STATUS = 't',
	FRAME_WILL = 'w',
	FRAME_ATTACH = 'a',
	/* from a shim, unasked */
	FRAME_EXIT = 'x',
};

/* Between a command's client and its resident. */
enum runc_frame_type {
	/* to the resident */
	RUNC_HELLO = 'H',
	RUNC_CREATED = 'c',
	RUNC_EXECUTED = 'r',
	RUNC_CHILD_FAILED = 'f',
	RUNC_ENDED = 'x',
	RUNC_INPUT = 'i',
	/* to the client; FRAME_PLAN, too */
	RUNC_TAKEN = 'h',
	RUNC_WRITE = 'w',
	RUNC_SEAL = 'S',
	RUNC_CHILD = 'C',
	RUNC_GO = 'g',
	RUNC_WAIT = 'W',
	RUNC_READ = 'I',
	RUNC_EXIT = 'X',
};

#endif
