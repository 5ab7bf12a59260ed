// A service that says when it is ready (sd_notify(3)) says it to a process that is left behind for that; the manager hears it from there,
// as from a process of its own unit.

import { type Assembler, behind } from "./assembler.ts";
import type { BodyOf, Compilers } from "./compilers.ts";
import { openSocket } from "./descriptors.ts";
import { AT_FDCWD, MSG_NOSIGNAL, O_CLOEXEC, POLLIN, SIGCHLD, SOCK_DGRAM } from "./kernel.table.ts";
import { sendFd } from "./messages.ts";

/** In the process that is left behind: the service's socket, a pidfd of it, the manager's socket. */
const [SERVICE, PROCESS, MANAGER] = [0, 1, 2] as const;
const ROOM = 4096;
const BARRIER_SECONDS = 30;
const POLLFD_SIZE = 8;

/** With "@" a name that is no path. */
const anyName = (path: string): string => path.replace(/^@/, "\0");

const end = (code: Assembler): void => code.attempt("exit_group", [0]);

/** Whoever takes the message closes what came along: then it knows all that was said before. */
function awaitBarrier(code: Assembler): void {
  const text = "BARRIER=1";
  const ends = code.scratch(8);
  const hangup = code.numbers(4, [0, POLLIN]);
  code.call("pipe2", [ends, O_CLOEXEC]);
  code.store(hangup, 4, code.load(ends, 4));
  const theirs = code.load(behind(ends, 4), 4);
  sendFd(code, { socket: MANAGER, bytes: code.text(text), size: text.length, passed: theirs });
  code.attempt("close", [theirs]);
  code.attempt("ppoll", [hangup, 1, code.numbers(8, [BARRIER_SECONDS, 0]), 0, 0]);
}

/** Goes on with what the service says until it is ready, and tells that; ends with the service. */
function relay(code: Assembler, main: number): void {
  const [again, heard, taken] = [code.label(), code.label(), code.label()];
  const text = code.scratch(ROOM);
  const watched = code.numbers(4, [SERVICE, POLLIN, PROCESS, POLLIN]);
  const events = code.add(0, 0);
  const happened = (index: number) => code.load(behind(watched, index * POLLFD_SIZE + 6), 2, -1, events);
  code.place(again);
  code.attempt("ppoll", [watched, 2, 0, 0, 0]);
  code.skip(happened(0), "!=", 0, heard);
  code.skip(happened(1), "==", 0, again);
  end(code); // without a word of the service
  code.place(heard);
  const NEWLINE = 10;
  const size = code.call("recvfrom", [SERVICE, behind(text, 1), ROOM - 2, 0, 0, 0], { looks: true });
  code.skip(size, ">=", 0, taken);
  code.set(size, 0);
  code.place(taken);
  code.store(text, 1, NEWLINE);
  code.store(code.add(behind(text, 1), size), 1, NEWLINE);
  const filled = code.add(size, 2);
  const ready = code.native("find", [text, filled, code.text("\nREADY="), 7], { looks: true });
  code.skip(ready, "<", 0, again);
  const line = code.add(behind(text, 1), ready);
  const length = code.native("find", [line, filled, code.text("\n"), 1], { looks: true });
  code.attempt("sendto", [MANAGER, line, length, MSG_NOSIGNAL, 0, 0]);
  if (main !== 0) {
    const told = `MAINPID=${main}\n`;
    code.attempt("sendto", [MANAGER, code.text(told), told.length, MSG_NOSIGNAL, 0, 0]);
    awaitBarrier(code);
  }
  end(code);
}

/** The process that is left behind keeps nothing of the caller's open. */
function relayReadiness(code: Assembler, { path, to, pid: service, main }: BodyOf<"relayReadiness">): void {
  const process = code.call("pidfd_open", [service, 0], { opens: true });
  const manager = openSocket(code, "connect", SOCK_DGRAM, anyName(to));
  const said = openSocket(code, "bind", SOCK_DGRAM, anyName(path));
  code.call("fchmodat", [AT_FDCWD, code.text(path), 0o777], { label: "bind" });
  const left = code.call("clone", [SIGCHLD, 0, 0, 0, 0], { looks: true });
  code.when(left, "<", 0, () => code.fail("fork", left));
  code.when(left, "==", 0, () => {
    for (const [fd, kept] of [said, process, manager].entries()) code.attempt("dup3", [kept, fd, 0]);
    code.attempt("close_range", [3, -1, 0]);
    relay(code, main);
  });
  const told = code.scratch(4);
  code.store(told, 4, left);
  code.native("result", [told, 4]);
}

export const readiness = { relayReadiness } satisfies Partial<Compilers>;
