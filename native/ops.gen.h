/* Written by tools/gen-ops.ts from the tables in src/. Do not edit. */
#ifndef GANTRY_OPS_GEN_H
#define GANTRY_OPS_GEN_H

#define PLAN_VERSION 0x299d9517u

enum frame_type {
	FRAME_OPS = 'O',
	FRAME_SHIM = 'C',
	FRAME_DONE = 'D',
	FRAME_FAILED = 'F',
	FRAME_EXIT = 'x',
	FRAME_HELLO = 'H',
};

enum {
	MARK_HOST = 1,
	MARK_MAY_FAIL = 2,
	MARK_MISSING_OK = 4,
	MARK_CLONES = 8,
	MARK_CLONES_SIMPLY = 16,
	MARK_AWAITS_START = 32,
	STEP_LOOKS = 1,
	STEP_OPENS = 2,
	STEP_LABELLED = 4,
	STEP_LABEL_MADE = 8,
	STEP_ARGUMENTS = 8,
	ARGUMENT_NUMBER = 0,
	ARGUMENT_REGISTER = 1,
	ARGUMENT_DATA = 2,
	ARGUMENT_SCRATCH = 3,
	REGISTERS = 16,
	PID_REGISTER = 15,
	SCRATCH_SIZE = 1114112,
	COMPARE_EQUAL = 0,
	COMPARE_UNEQUAL = 1,
	COMPARE_LESS = 2,
	COMPARE_NOT_LESS = 3,
	SLOT_STDIN = 29,
	SLOT_STDOUT = 30,
	SLOT_STDERR = 31,
	SLOT_SYNC = 32,
	CHANNEL_FD = 3,
	SYNC_PID = 1,
	SYNC_HOST = 2,
	SYNC_CREATED = 3,
	SYNC_FAILED = 4,
	SYNC_GO = 5,
	SYNC_FD = 6,
	SYNC_KEEP = 7,
	CALL_COUNT = 88,
	STEP_COUNT = 98,
};

/* By the number of a step: first the system calls, then the others. */
extern const long call_numbers[CALL_COUNT];
extern const char *const call_names[CALL_COUNT];
struct machine;
extern long (*const native_steps[STEP_COUNT - CALL_COUNT])(struct machine *machine, const long arguments[]);

long step_value(struct machine *machine, const long a[]);
long step_find(struct machine *machine, const long a[]);
long step_load(struct machine *machine, const long a[]);
long step_store(struct machine *machine, const long a[]);
long step_skip(struct machine *machine, const long a[]);
long step_print(struct machine *machine, const long a[]);
long step_write(struct machine *machine, const long a[]);
long step_make(struct machine *machine, const long a[]);
long step_complain(struct machine *machine, const long a[]);
long step_result(struct machine *machine, const long a[]);

#endif
