#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void init_context(struct context *context)
{
	*context = (struct context){ .call = "", .sync_fd = -1, .file.fd = -1, .parent.fd = -1, .empty = -1 };
}

void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

int fail(struct context *context, const char *call)
{
	context->call = call;
	return -errno;
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

int move_to_slot(struct context *context, int fd, uint32_t slot)
{
	int moved = dup3(fd, slot_fd(slot), O_CLOEXEC);
	close(fd);
	return moved < 0 ? fail(context, "dup3") : 0;
}

int read_op(struct reader *reader, struct op *op)
{
	uint16_t code = read_u16(reader);
	op->marks = read_u16(reader);
	uint32_t size = read_u32(reader);
	if (reader->bad || code >= OP_COUNT || size > (size_t)(reader->end - reader->at))
		return -EBADMSG;
	struct reader fields = { .at = reader->at, .end = reader->at + size };
	reader->at += size;
	op->code = (enum op_code)code;
	read_op_fields(&fields, op);
	return fields.bad || fields.at != fields.end ? -EBADMSG : 0;
}

int read_plan(struct reader *reader, struct plan *plan)
{
	enum { SMALLEST_OP = 8 };
	if (read_u32(reader) != PLAN_VERSION)
		return -EPROTO;
	plan->count = read_u32(reader);
	plan->ops = NULL;
	if (reader->bad || plan->count > (size_t)(reader->end - reader->at) / SMALLEST_OP)
		return -EBADMSG;
	plan->ops = calloc(plan->count + 1, sizeof(*plan->ops));
	if (!plan->ops)
		return -ENOMEM;
	for (uint32_t i = 0; i < plan->count; i++)
		if (read_op(reader, &plan->ops[i]) < 0)
			return -EBADMSG;
	return 0;
}

void free_plan(struct plan *plan)
{
	free(plan->ops);
	free_frame(&plan->memory);
	*plan = (struct plan){ 0 };
}

static int dispatch(struct context *context, const struct op *op)
{
	static int (*const themes[])(struct context *, const struct op *) = {
		run_file_op, run_mount_op, run_process_op, run_identity_op, run_archive_op,
	};
	if (context->file.fd >= 0 && op->code != OP_FILE_DATA) {
		int error = finish_file(context);
		if (error < 0)
			return error;
	}
	if (op->code == OP_NETLINK)
		return run_netlink(context, &op->netlink);
	if (op->code == OP_BPF_DEVICE)
		return run_bpf_device(context, &op->bpf_device);
	int result = -ENOSYS;
	for (size_t i = 0; i < sizeof(themes) / sizeof(themes[0]); i++) {
		context->call = NULL;
		result = themes[i](context, op);
		if (result != -ENOSYS || context->call)
			return result;
	}
	context->call = "run";
	return result;
}

int run_op(struct context *context, const struct op *op)
{
	int result = dispatch(context, op);
	return result < 0 && (op->marks & MARK_MAY_FAIL) ? 0 : result;
}

int run_plan(struct context *context, const struct plan *plan, uint32_t from)
{
	for (context->index = from; context->index < plan->count; context->index++) {
		int result = run_op(context, &plan->ops[context->index]);
		if (result < 0)
			return result;
	}
	return context->file.fd >= 0 ? finish_file(context) : 0;
}

void put_failure(struct message *message, const struct context *context, int error)
{
	const char *call = context->call ? context->call : "";
	put_u32(message, context->index);
	put_u32(message, (uint32_t)-error);
	put_sized(message, call, strlen(call));
}
