// Messages of a process to its shim, and descriptors that go along with messages.

import { type Argument, type Assembler, behind, type Memory, type Register } from "./assembler.ts";
import { fdOf } from "./files.ts";
import { ECANCELED, MSG_NOSIGNAL, SCM_RIGHTS, SOL_SOCKET } from "./kernel.table.ts";
import { constants } from "./steps.table.ts";

const SHIM = fdOf(constants.SLOT_SYNC);
/** As `struct sync_message` begins: kind, pid, index. */
const MESSAGE_SIZE = 12;
const message = (code: Assembler, kind: number, index = 0): Memory => code.numbers(4, [kind, 0, index]);

export interface Sent {
  readonly socket: Argument;
  readonly bytes: Memory;
  readonly size: Argument;
  /** The fd of which a copy goes along. */
  readonly passed: Argument;
  /** What a failure is called. */
  readonly label?: string;
}

/** Bytes and an fd, as sendmsg(2) takes them. */
export function sendFd(code: Assembler, { socket, bytes, size, passed, label }: Sent): void {
  const CONTROL_SIZE = 24;
  const part = code.numbers(8, [0, 0]);
  const control = code.numbers(4, [CONTROL_SIZE - 4, 0, SOL_SOCKET, SCM_RIGHTS, 0, 0]);
  const header = code.numbers(8, [0, 0]);
  code.pointers([part]);
  code.numbers(8, [1]);
  code.pointers([control]);
  code.numbers(8, [CONTROL_SIZE, 0]);
  code.store(part, 8, bytes);
  code.store(behind(part, 8), 8, size);
  code.store(behind(control, 16), 4, passed);
  code.call("sendmsg", [socket, header, MSG_NOSIGNAL], label === undefined ? {} : { label });
}

/** The fd of the slot, for the same slot there if it is `kept`, else as the terminal. */
export function tellFd(code: Assembler, slot: number, kept: boolean): void {
  const told = message(code, kept ? constants.SYNC_KEEP : constants.SYNC_FD, slot);
  sendFd(code, { socket: SHIM, bytes: told, size: MESSAGE_SIZE, passed: fdOf(slot) });
}

/** The pid of the process that goes on. A failure is a result. */
export function tellPid(code: Assembler, pid: Register): Register {
  const told = message(code, constants.SYNC_PID);
  code.store(behind(told, 4), 4, pid);
  return code.call("sendto", [SHIM, told, MESSAGE_SIZE, MSG_NOSIGNAL, 0, 0], { looks: true });
}

/** Says that the process stands at its start, and waits until it may go on; not if the shim went away or gave up. By write(2) and
 *  read(2), as no filter of system calls may hand those to a listener. */
export function awaitStart(code: Assembler): void {
  const told = message(code, constants.SYNC_CREATED);
  const answer = code.scratch(MESSAGE_SIZE);
  code.call("write", [SHIM, told, MESSAGE_SIZE], { label: "recv" });
  const size = code.call("read", [SHIM, answer, MESSAGE_SIZE], { looks: true });
  code.when(size, "<", 0, () => code.fail("recv", size));
  const given = code.label();
  code.when(size, "==", MESSAGE_SIZE, () => code.skip(code.load(answer, 4), "==", constants.SYNC_GO, given));
  code.fail("recv", ECANCELED);
  code.place(given);
}
