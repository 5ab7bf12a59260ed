/* The shim: parent of one container's processes. See PROTOCOL.md for what it is told and what it tells. */
#ifndef GANTRY_SHIM_H
#define GANTRY_SHIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "run.h"

enum { ID_MAX = 128 };
/* Slots that the shim fills for a process before its plan runs. */
enum { SLOT_STDIN = 29, SLOT_STDOUT = 30, SLOT_STDERR = 31, SLOT_SYNC = 32 };

struct shim;

/* Something that epoll watches, read from or written to. */
struct source {
	int fd; /* -1: closed */
	uint32_t events; /* as registered; 0: not registered */
	struct {
		uint8_t *data; /* NULL: none */
		size_t size, at;
	} kept; /* what could not be written yet */
	void (*ready)(struct shim *shim, struct source *source, uint32_t events);
};

enum io_kind { IO_NULL, IO_FIFOS, IO_ATTACH };

struct io_request {
	enum io_kind kind;
	bool terminal, wants_stdin, stdin_once, has_log;
	const char *paths[3]; /* FIFOs */
	const char *log_path;
	uint64_t log_max_size;
	uint32_t log_max_files;
	struct bytes log_attrs;
};

struct log; /* log.c */

/* A connection of the shim's socket: the daemon's (control) or a client attached to a process. */
struct connection {
	struct source source;
	struct connection *next;
	struct process *attached;
	bool reads_stdin, streams[3]; /* by stream number 1, 2 */
	bool informed; /* the daemon's: hears of exits */
	bool closed_input; /* the peer sends no more */
	bool ending; /* nothing more is written: waiting for the peer to close */
	char awaited[ID_MAX]; /* attached to this process once it runs; "" for none */
	uint32_t awaited_streams;
	struct incoming request;
};

/* One stream of a process's output: a pipe or the pty's master. */
struct output {
	struct source source;
	struct process *process;
	int stream; /* 1, 2 */
	struct source fifo; /* copy for a FIFO client */
	uint8_t *carry; /* begin of a log line whose end has not come */
	size_t carried;
};

enum process_state { PROCESS_STARTING, PROCESS_CREATED, PROCESS_RUNNING, PROCESS_ENDED, PROCESS_REPORTED };

struct process {
	char id[ID_MAX]; /* "" for the init */
	struct process *next;
	enum process_state state;
	pid_t pid;
	struct source sync;
	struct plan plan;
	struct failure failure; /* of its plan; the first one is the cause */
	struct connection *asker; /* waits for the reply to create, start or exec */
	uint32_t request;
	bool cloned; /* `pid` is the process itself, not one that will clone it */
	bool waits, created; /* the plan has an awaitStart; it was reached */
	bool started; /* the program runs */
	struct output outputs[2];
	struct source input; /* stdin pipe or a copy of the pty's master */
	struct source input_fifo;
	int terminal; /* pty master; -1 */
	bool stdin_once;
	bool input_ends; /* after what is kept */
	unsigned blocked; /* clients that are behind */
	bool held; /* output nobody keeps: read once the first client is there */
	struct log *log;
	int exit_code;
	struct timespec ended_at;
	struct timespec drain_until;
};

struct shim {
	const char *directory;
	int epoll;
	struct source listener, signals;
	struct connection *connections;
	struct process *processes;
	struct process *init;
	struct plan undo;
	struct connection *owner; /* with a will: the container lives as long as this connection */
	struct plan will;
	bool may_reap; /* a child has ended, or a pid is known now */
	int mount_namespace; /* held until the end: unmounting may wait for a disk */
	bool finished;
	time_t leave_at;
};

int shim_main(const char *id, const char *directory);
extern bool shim_protected; /* our oom_score_adj was lowered */

/* source.c */
int watch(struct shim *shim, struct source *source, uint32_t events);
/* Closes the fd, too, and forgets what was kept. */
void unwatch(struct shim *shim, struct source *source);
/* Both never wait. 1: all is written, 0: a part is kept for later, else a negative errno. */
int write_source(struct source *source, const uint8_t *data, size_t size);
int flush_source(struct source *source);
void forget_kept(struct source *source);

/* shim-control.c */
void accept_connection(struct shim *shim, int fd);
void control_ready(struct shim *shim, struct source *source, uint32_t events);
void drop_connection(struct shim *shim, struct connection *connection);
void answer(struct shim *shim, struct process *process);
void announce_exit(struct shim *shim, const struct process *process);
struct process *find_process(struct shim *shim, const char *id);

/* shim-process.c */
int start_process(struct shim *shim, struct process *process, const struct io_request *io);
void process_exited(struct shim *shim, struct process *process, int status);
/* Takes what the process has said so far; without waiting. */
void drain_sync(struct shim *shim, struct process *process);
void release_start(struct process *process);
void run_undo(struct shim *shim);
void report_if_drained(struct shim *shim, struct process *process);

/* shim-io.c: pipes, terminals and FIFOs */
struct stdio {
	int child[3]; /* ends for the process; owned by the caller */
};
void init_stdio(struct process *process);
int open_stdio(struct shim *shim, struct process *process, const struct io_request *io, struct stdio *stdio);
void attach_terminal(struct shim *shim, struct process *process, int master);
/* Reads output only while every client has taken what came before. */
void update_reading(struct shim *shim, struct process *process);
/* The process is gone: what it left in its pipes is read even if a client is behind. */
void drain_outputs(struct shim *shim, struct process *process);
bool outputs_drained(const struct process *process);
void close_outputs(struct shim *shim, struct process *process);
void feed(struct shim *shim, struct process *process, const uint8_t *data, size_t size);
/* Closes stdin when all that was fed has been taken. */
void end_input(struct shim *shim, struct process *process);
void close_input(struct shim *shim, struct process *process);

/* shim-clients.c */
enum { CHUNK = 128 << 10 };
extern uint8_t *const chunk; /* what was read last, from whichever stream */
void attach_client(struct shim *shim, struct connection *connection, struct process *process, uint32_t flags);
/* For a process that is still to come. */
void attach_later(struct shim *shim, struct connection *connection, const char *id, uint32_t flags);
void attach_awaiting(struct shim *shim, struct process *process);
/* The process is done: each client gets its rest and the end. */
void detach_clients(struct shim *shim, struct process *process);
void client_ready(struct shim *shim, struct source *source, uint32_t events);
/* Forgets what the client did not take; lets the process go on. */
void release_client(struct shim *shim, struct connection *connection);
/* To the clients that feed the process: whether they are read depends on what it has taken. */
void update_clients(struct shim *shim, struct process *process);
/* The first bytes of the chunk; the room before it is the frame's header. */
void send_output(struct shim *shim, struct connection *client, int stream, size_t size);
/* Sends without waiting; what the socket does not take is kept and sent later. */
void send_bytes(struct shim *shim, struct connection *connection, const uint8_t *data, size_t size);
void flush_connection(struct shim *shim, struct connection *connection);

/* log.c: Docker's json-file format */
struct log *open_log(const struct io_request *io);
void write_log(struct log *log, struct output *output, const uint8_t *data, size_t size);
void end_log(struct log *log, struct output *output);
void close_log(struct log *log);

#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
