#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void init_context(struct context *context)
{
	*context = (struct context){ .call = "", .sync_fd = -1, .reply_fd = -1, .file.fd = -1, .parent.fd = -1, .empty = -1 };
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

int checked(struct context *context, const char *call, long result)
{
	return result < 0 ? fail(context, call) : 0;
}

int unless_missing(int result, bool missing_ok)
{
	return missing_ok && (result == -ENOENT || result == -ENOTDIR) ? 0 : result;
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

int put_in_slot(struct context *context, int fd, uint32_t slot)
{
	return checked(context, "dup3", dup3(fd, slot_fd(slot), O_CLOEXEC));
}

int read_op(struct reader *reader, struct op *op)
{
	uint16_t code = read_u16(reader);
	op->marks = read_u16(reader);
	struct bytes body = read_bytes(reader);
	if (reader->bad || code >= OP_COUNT)
		return -EBADMSG;
	struct reader fields = { .at = body.data, .end = body.data + body.size };
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

int run_op(struct context *context, const struct op *op)
{
	int result = context->file.fd >= 0 && op->code != OP_FILE_DATA ? finish_file(context) : 0;
	if (result == 0)
		result = perform(context, op);
	return result < 0 && (op->marks & MARK_MAY_FAIL) ? 0 : result;
}

int run_plan(struct context *context, const struct plan *plan)
{
	for (; context->index < plan->count; context->index++) {
		int result = run_op(context, &plan->ops[context->index]);
		if (result < 0)
			return result;
	}
	return context->file.fd >= 0 ? finish_file(context) : 0;
}

struct failure failure_of(const struct context *context, int error)
{
	struct failure failure = { .index = context->index, .error = error };
	snprintf(failure.call, sizeof(failure.call), "%s", context->call);
	return failure;
}

void put_failure(struct message *message, const struct failure *failure)
{
	put_u32(message, failure->index);
	put_u32(message, (uint32_t)-failure->error);
	put_sized(message, failure->call, strlen(failure->call));
}
