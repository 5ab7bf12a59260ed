#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where calls put what they return, an operation at a time. */
static uint8_t scratch[SCRATCH_SIZE];

struct step {
	uint32_t code, flags, result;
	const char *label; /* what a failure is called; NULL: as the call is */
	long arguments[STEP_ARGUMENTS];
};

void init_context(struct context *context)
{
	*context = (struct context){ .call = "" };
}

void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int refuse(struct context *context, const char *call, int error)
{
	context->call = call;
	return -error;
}

int fail(struct context *context, const char *call)
{
	return refuse(context, call, errno);
}

void put_result(struct context *context, const void *data, size_t size)
{
	put_u32(&context->results, context->index);
	put_sized(&context->results, data, size);
	context->result_count++;
}

void reset_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		signal(signal_number, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static long read_argument(struct machine *machine, uint32_t kind)
{
	uint32_t value = read_u32(&machine->code);
	switch (kind) {
	case ARGUMENT_NUMBER:
		return (int32_t)value;
	case ARGUMENT_REGISTER:
		if (value == PID_REGISTER) /* asked for only then: no filter of system calls may have to know it */
			return machine->context->pid ? machine->context->pid : getpid();
		machine->code.bad |= value >= REGISTERS;
		return machine->code.bad ? 0 : machine->registers[value];
	case ARGUMENT_DATA:
		machine->code.bad |= value > machine->op->data.size;
		return machine->code.bad ? 0 : (long)(uintptr_t)(machine->op->data.data + value);
	default:
		machine->code.bad |= value >= SCRATCH_SIZE;
		return machine->code.bad ? 0 : (long)(uintptr_t)(scratch + value);
	}
}

/* u16 code, u8 flags, u8 result register, u32 count and kinds of the arguments, each u32; the label last. */
static bool read_step(struct machine *machine, struct step *step)
{
	uint32_t head = read_u32(&machine->code), shape = read_u32(&machine->code);
	uint32_t count = shape & 0xff, kinds = shape >> 8;
	*step = (struct step){ .code = head & 0xffff, .flags = head >> 16 & 0xff, .result = head >> 24 };
	machine->code.bad |= step->code >= STEP_COUNT || step->result >= REGISTERS || count > STEP_ARGUMENTS;
	for (uint32_t i = 0; i < count && !machine->code.bad; i++, kinds >>= 2)
		step->arguments[i] = read_argument(machine, kinds & 3);
	if (step->flags & STEP_LABELLED)
		step->label = (const char *)(uintptr_t)read_argument(machine, step->flags & STEP_LABEL_MADE ? ARGUMENT_SCRATCH : ARGUMENT_DATA);
	return !machine->code.bad;
}

static bool well_formed(const struct op *op)
{
	struct step step;
	struct machine machine = { .context = &(struct context){ .pid = 1 }, .op = op, .code = reader_of(op->code) };
	while (machine.code.at < machine.code.end)
		if (!read_step(&machine, &step))
			return false;
	return true;
}

/* The pointers in the data are offsets within it on the wire. */
static bool relocate(struct bytes data, struct bytes places)
{
	for (struct reader list = reader_of(places); list.at < list.end;) {
		uint32_t place = read_u32(&list);
		uint64_t value;
		if (list.bad || place > data.size || data.size - place < sizeof(value))
			return false;
		memcpy(&value, data.data + place, sizeof(value));
		if (value > data.size)
			return false;
		value += (uintptr_t)data.data;
		memcpy((uint8_t *)(uintptr_t)data.data + place, &value, sizeof(value));
	}
	return true;
}

static int read_op(struct reader *reader, struct op *op)
{
	op->marks = read_u32(reader);
	op->data = read_bytes(reader);
	struct bytes places = read_bytes(reader);
	op->code = read_bytes(reader);
	return !reader->bad && relocate(op->data, places) && well_formed(op) ? 0 : -EBADMSG;
}

int read_plan(struct bytes bytes, struct plan *plan)
{
	enum { SMALLEST_OP = 16 };
	struct reader reader = reader_of(bytes);
	if (bytes.size == 0)
		return 0;
	if (read_u32(&reader) != PLAN_VERSION)
		return -EPROTO;
	plan->count = read_u32(&reader);
	plan->ops = NULL;
	if (reader.bad || plan->count > (size_t)(reader.end - reader.at) / SMALLEST_OP)
		return -EBADMSG;
	plan->ops = calloc(plan->count + 1, sizeof(*plan->ops));
	if (!plan->ops)
		return -ENOMEM;
	for (uint32_t i = 0; i < plan->count; i++)
		if (read_op(&reader, &plan->ops[i]) < 0)
			return -EBADMSG;
	return 0;
}

void free_plan(struct plan *plan)
{
	free(plan->ops);
	free_frame(&plan->memory);
	*plan = (struct plan){ 0 };
}

/* Again if a signal or, with openat2, a rename beside ".." came between. */
static long make_call(const struct step *step)
{
	const long *a = step->arguments, number = call_numbers[step->code];
	long result;
	do
		result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	while (result < 0 && (errno == EINTR || (errno == EAGAIN && number == SYS_openat2)));
	return result < 0 ? -errno : result;
}

static long make_step(struct machine *machine, const struct step *step)
{
	bool call = step->code < CALL_COUNT;
	long value = call ? make_call(step) : native_steps[step->code - CALL_COUNT](machine, step->arguments);
	if (value < 0 && (step->label || call))
		machine->context->call = step->label ? step->label : call_names[step->code];
	machine->registers[step->result] = value;
	return value;
}

static int run_steps(struct context *context, const struct op *op)
{
	struct machine machine = { .context = context, .op = op, .code = reader_of(op->code) };
	struct step step;
	uint32_t opened = 0;
	long result = 0;
	while (result >= 0 && machine.code.at < machine.code.end) {
		if (!read_step(&machine, &step)) {
			result = refuse(context, "decode", EBADMSG);
			break;
		}
		long value = make_step(&machine, &step);
		if (value >= 0 && step.flags & STEP_OPENS)
			opened |= 1u << step.result;
		if (value < 0 && !(step.flags & STEP_LOOKS))
			result = value;
	}
	for (uint32_t i = 0; opened >> i; i++)
		if (opened >> i & 1)
			close((int)machine.registers[i]);
	return result < 0 ? (int)result : 0;
}

int run_op(struct context *context, const struct op *op)
{
	int result = run_steps(context, op);
	bool missing = result == -ENOENT || result == -ENOTDIR;
	return op->marks & MARK_MAY_FAIL || (op->marks & MARK_MISSING_OK && missing) ? 0 : result;
}

int run_plan(struct context *context, const struct plan *plan, uint32_t end)
{
	for (; context->index < end; context->index++) {
		int result = run_op(context, &plan->ops[context->index]);
		if (result < 0)
			return result;
	}
	return 0;
}

struct failure failure_of(const struct context *context, int error)
{
	struct failure failure = { .index = context->index, .error = error };
	snprintf(failure.call, sizeof(failure.call), "%s", context->call);
	return failure;
}

struct message begin_reply(uint32_t request, const struct failure *failure)
{
	struct message frame = begin_frame(failure->error < 0 ? FRAME_FAILED : FRAME_DONE, request);
	if (failure->error < 0) {
		put_u32(&frame, failure->index);
		put_u32(&frame, (uint32_t)-failure->error);
		put_sized(&frame, failure->call, strlen(failure->call));
	}
	return frame;
}

void serve_plan(int fd, uint32_t request, struct bytes bytes)
{
	struct context context;
	struct plan plan = { 0 };
	init_context(&context);
	context.call = "decode";
	int error = read_plan(bytes, &plan);
	if (error == 0)
		error = run_plan(&context, &plan, plan.count);
	const struct failure failure = failure_of(&context, error);
	struct message frame = begin_reply(request, &failure);
	if (error == 0) {
		put_u32(&frame, context.result_count);
		put_bytes(&frame, context.results.data, context.results.size);
	}
	if (!context.results.failed && finish_frame(&frame))
		write_all(fd, frame.data, frame.size);
	free_message(&frame);
	free_message(&context.results);
	free_plan(&plan);
}
