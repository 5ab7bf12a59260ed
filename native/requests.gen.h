/* Written by tools/gen-requests.ts from src/shim/native/requests.table.ts. Do not edit. */
#ifndef GANTRY_REQUESTS_GEN_H
#define GANTRY_REQUESTS_GEN_H
#include "wire.h"

struct supervisor;
struct connection;
struct process;

struct request_create {
	const char *id;
	uint32_t pipes;
	bool inherits;
	const char *stdin_path;
	const char *stdout_path;
	const char *stderr_path;
	bool stdin_once;
	bool held;
	uint32_t preserved;
	const char *log_path;
	const char *log_tail1;
	const char *log_tail2;
	uint64_t log_max_size;
	uint32_t log_max_files;
	struct bytes plan;
	struct bytes undo;
};

struct request_kill {
	struct process *process;
	uint32_t signal;
};

struct request_resize {
	struct process *process;
	uint32_t rows;
	uint32_t columns;
};

struct request_close_stdin {
	struct process *process;
};

struct request_attach {
	const char *id;
	bool stdin;
	bool stdout;
	bool stderr;
	bool early;
};

struct request_will {
	struct bytes plan;
};

struct request_plan {
	struct bytes plan;
};

struct request_taken {
	bool seals;
};

struct request_output {
	uint32_t fd;
	struct bytes data;
};

struct request_exit_with {
	uint32_t code;
};

struct request {
	struct connection *from;
	uint32_t number;
	struct frame *frame; /* a handler may take it, as strings and bytes lie there */
	union {
		struct request_create create;
		struct request_kill kill;
		struct request_resize resize;
		struct request_close_stdin close_stdin;
		struct request_attach attach;
		struct request_will will;
		struct request_plan plan;
		struct request_taken taken;
		struct request_output output;
		struct request_exit_with exit_with;
	};
};

/* The handlers: 1 if it is done, 0 if the reply was or will be given, or a negative errno. */
int on_create(struct supervisor *us, struct request *request);
int on_start(struct supervisor *us, struct request *request);
int on_kill(struct supervisor *us, struct request *request);
int on_resize(struct supervisor *us, struct request *request);
int on_close_stdin(struct supervisor *us, struct request *request);
int on_attach(struct supervisor *us, struct request *request);
int on_status(struct supervisor *us, struct request *request);
int on_will(struct supervisor *us, struct request *request);
int on_plan(struct supervisor *us, struct request *request);
int on_taken(struct supervisor *us, struct request *request);
int on_output(struct supervisor *us, struct request *request);
int on_hold(struct supervisor *us, struct request *request);
int on_wait(struct supervisor *us, struct request *request);
int on_exit_with(struct supervisor *us, struct request *request);

/* NULL: none of that id, or it has ended. */
struct process *find_living(const struct supervisor *us, const char *id);

/* Decodes the request in its frame, and calls its handler. */
int serve_request(struct supervisor *us, struct request *request);

#endif
