/* Written by tools/gen-requests.ts from src/shim/native/requests.table.ts. Do not edit. */
#include "requests.gen.h"

#include <errno.h>

int serve_request(struct supervisor *us, struct request *request)
{
	struct reader reader = { .at = request->frame->body, .end = request->frame->body + request->frame->size };
	request->number = read_u32(&reader);
	switch (request->frame->type) {
	case 'c':
		request->create.id = read_string(&reader);
		request->create.pipes = read_u32(&reader);
		request->create.inherits = read_u32(&reader);
		request->create.stdin_path = read_string(&reader);
		request->create.stdout_path = read_string(&reader);
		request->create.stderr_path = read_string(&reader);
		request->create.stdin_once = read_u32(&reader);
		request->create.held = read_u32(&reader);
		request->create.preserved = read_u32(&reader);
		request->create.log_path = read_string(&reader);
		request->create.log_tail1 = read_string(&reader);
		request->create.log_tail2 = read_string(&reader);
		request->create.log_max_size = read_u64(&reader);
		request->create.log_max_files = read_u32(&reader);
		request->create.plan = read_bytes(&reader);
		request->create.undo = read_bytes(&reader);
		return reader.bad ? -EBADMSG : on_create(us, request);
	case 's':
		return reader.bad ? -EBADMSG : on_start(us, request);
	case 'k':
		request->kill.process = find_living(us, read_string(&reader));
		request->kill.signal = read_u32(&reader);
		if (!request->kill.process)
			return -ESRCH;
		return reader.bad ? -EBADMSG : on_kill(us, request);
	case 'r':
		request->resize.process = find_living(us, read_string(&reader));
		request->resize.rows = read_u32(&reader);
		request->resize.columns = read_u32(&reader);
		if (!request->resize.process)
			return -ESRCH;
		return reader.bad ? -EBADMSG : on_resize(us, request);
	case 'i':
		request->close_stdin.process = find_living(us, read_string(&reader));
		if (!request->close_stdin.process)
			return -ESRCH;
		return reader.bad ? -EBADMSG : on_close_stdin(us, request);
	case 'a':
		request->attach.id = read_string(&reader);
		request->attach.stdin = read_u32(&reader);
		request->attach.stdout = read_u32(&reader);
		request->attach.stderr = read_u32(&reader);
		request->attach.early = read_u32(&reader);
		return reader.bad ? -EBADMSG : on_attach(us, request);
	case 't':
		return reader.bad ? -EBADMSG : on_status(us, request);
	case 'w':
		request->will.plan = read_bytes(&reader);
		return reader.bad ? -EBADMSG : on_will(us, request);
	case 'P':
		request->plan.plan = read_bytes(&reader);
		return reader.bad ? -EBADMSG : on_plan(us, request);
	case 'h':
		request->taken.seals = read_u32(&reader);
		return reader.bad ? -EBADMSG : on_taken(us, request);
	case 'o':
		request->output.fd = read_u32(&reader);
		request->output.data = read_bytes(&reader);
		return reader.bad ? -EBADMSG : on_output(us, request);
	case 'B':
		return reader.bad ? -EBADMSG : on_hold(us, request);
	case 'W':
		return reader.bad ? -EBADMSG : on_wait(us, request);
	case 'X':
		request->exit_with.code = read_u32(&reader);
		return reader.bad ? -EBADMSG : on_exit_with(us, request);
	}
	return -EBADMSG;
}
