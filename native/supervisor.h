/* The parent of processes that run plans: a container's shim, or the client of a command. See PROTOCOL.md for what it is told and what
 * it tells. */
#ifndef GANTRY_SUPERVISOR_H
#define GANTRY_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "requests.gen.h"
#include "run.h"

enum { ID_MAX = 128, CHUNK = 128 << 10 };
/* Descriptors from here on are neither slots of host operations nor such as a command's caller preserves. */
enum { OUT_OF_THE_WAY = SLOT_BASE + 65 };

/* Something that is read from or written to. */
struct source {
	int fd; /* -1: closed */
	struct {
		uint8_t *data; /* NULL: none */
		size_t size;
	} kept; /* what could not be written yet */
};

/* Gets a process's output, or feeds its input, or asks for things. */
enum role {
	ROLE_CONTROL, /* asks in frames; hears of exits */
	ROLE_CLIENT, /* attached to a process, or waits for it to come */
	ROLE_PLAIN, /* a FIFO or a stream of our own: always raw, and what it did not take yet holds up the report of the exit */
};

struct connection {
	struct source source;
	struct connection *next;
	enum role role;
	struct process *attached;
	bool feeds, streams[3]; /* by stream number 1, 2 */
	bool informed; /* hears of exits */
	bool closed_input; /* nothing comes from it any more */
	bool ending; /* nothing more is written: waiting for the peer to close */
	bool unread; /* a FIFO that nobody had opened for reading when we opened it */
	char awaited[ID_MAX]; /* attached to this process once it runs; "" for none */
	struct incoming incoming;
};

/* One stream of a process's output: a pipe or the pty's master. */
struct output {
	struct source source;
	struct process *process;
	int stream; /* 1, 2 */
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
	bool joins; /* its terminal goes on with our own streams */
	struct output outputs[2];
	struct source input; /* stdin pipe or a copy of the pty's master */
	int terminal; /* pty master; -1 */
	bool stdin_once;
	bool input_ends; /* after what is kept */
	bool held; /* output nobody keeps: read once the first client is there */
	struct log *log;
	int exit_code;
	struct timespec ended_at;
	int64_t drain_until;
};

struct supervisor {
	const char *directory; /* NULL: a command's client, which leaves no record and holds nothing */
	struct source listener, signals;
	struct connection *connections;
	struct process *processes;
	struct process *init;
	struct plan undo;
	struct connection *owner; /* with a will: the container lives as long as this connection */
	struct plan will;
	bool reaps; /* else an end is for whoever adopts the process */
	bool protected_from_oom; /* our oom_score_adj was lowered, for us alone */
	int drain_ms; /* how long descendants may hold a stream of a process that has ended */
	int mount_namespace; /* held until the end: unmounting may wait for a disk */
};

/* supervisor.c: one loop over connections, children and their streams */
void begin_supervising(struct supervisor *us);
/* Holds back those signals: SIGCHLD reaps, SIGWINCH goes to the terminal, any other to the init. */
void catch_signals(struct supervisor *us, const sigset_t *caught);
void reap(struct supervisor *us);
/* Serves what is there; waits for it at most that many milliseconds (-1: for ever). */
void serve_events(struct supervisor *us, int timeout);
void close_source(struct source *source);
int64_t now(void); /* milliseconds of a clock of its own */
/* Both never wait longer than the fd does. 1: all is written, 0: a part is kept for later, else a negative errno. */
int write_source(struct source *source, const uint8_t *data, size_t size);
int flush_source(struct source *source);

/* control.c */
struct connection *add_connection(struct supervisor *us, int fd, enum role role);
void accept_connection(struct supervisor *us, int fd);
void control_ready(struct supervisor *us, struct source *source, short events);
/* Marks it closed; the loop frees it when no event can refer to it any more. */
void drop_connection(struct supervisor *us, struct connection *connection);
/* The reply to create, start or exec. */
void answer(struct supervisor *us, struct process *process);
void announce_exit(struct supervisor *us, const struct process *process);
void reply(struct supervisor *us, struct connection *connection, uint32_t request, const void *data, size_t size);

/* process.c */
int start_process(struct supervisor *us, struct process *process, const struct request_create *wanted);
void process_exited(struct supervisor *us, struct process *process, int status);
void sync_ready(struct supervisor *us, struct source *source, short events);
/* Takes what the process has said so far; without waiting. */
void drain_sync(struct supervisor *us, struct process *process);
void release_start(struct process *process);
/* The operations that have all of the marks, each on its own: one that fails must not keep the others. */
void run_each(const struct plan *plan, uint32_t marks);
void kill_all(const struct supervisor *us);
bool set_oom_score(const char *score); /* our own; to lower it needs CAP_SYS_RESOURCE */
void report_if_drained(struct supervisor *us, struct process *process);

/* streams.c: pipes and terminals of processes on one side; the log, clients and FIFOs on the other */
void init_streams(struct process *process);
int open_streams(struct supervisor *us, struct process *process, const struct request_create *wanted, int child[3]);
/* The master came from the child. */
void take_terminal(struct supervisor *us, struct process *process, int master);
/* As large as our own. */
void follow_size(const struct process *process);
short connection_events(const struct connection *connection);
bool may_read(const struct supervisor *us, const struct process *process);
void output_ready(struct supervisor *us, struct source *source, short events);
void input_ready(struct supervisor *us, struct source *source, short events);
void client_ready(struct supervisor *us, struct source *source, short events);
void send_bytes(struct supervisor *us, struct connection *connection, const uint8_t *data, size_t size);
void flush_connection(struct supervisor *us, struct connection *connection);
bool outputs_drained(const struct supervisor *us, const struct process *process);
/* Whether output is in a FIFO whose reader comes late: it would be lost with our end. */
bool awaits_reader(const struct supervisor *us, const struct process *process);
/* Nothing more is written to it: the peer reads to the end, and what it writes meanwhile still finds somebody. */
void end_connection(struct connection *connection);
void close_outputs(struct process *process);
/* Closes stdin when all that was fed has been taken. */
void end_input(struct process *process);
/* The same once a FIFO that feeds it is empty and has no writer; at once without one. */
void close_input(struct supervisor *us, struct process *process);
void attach_client(struct connection *connection, struct process *process);
void attach_awaiting(struct supervisor *us, struct process *process);
/* The process is done: each client gets its rest and the end. */
void detach_clients(struct supervisor *us, struct process *process);

/* log.c: Docker's json-file format */
int open_log(const struct request_create *wanted, struct log **opened); /* also after a failure it is to be closed */
void write_log(struct log *log, struct output *output, const uint8_t *data, size_t size);
void end_log(struct log *log, struct output *output);
void close_log(struct log *log);

#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
