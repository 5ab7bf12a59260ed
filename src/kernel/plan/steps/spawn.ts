// A program run to its end. Its streams lie in memory: it may end without reading, or start to read late; nobody need read what it says.

import { type Assembler, behind, type Memory, pid, type Register } from "./assembler.ts";
import type { BodyOf } from "./compilers.ts";
import { ECHILD, ETIMEDOUT, POLLIN, PR_SET_PDEATHSIG, SIGCHLD, SIGKILL } from "./kernel.table.ts";

type Spawn = BodyOf<"spawn">;
const MFD_CLOEXEC = 1;
const NUMBER_ROOM = 16;
/** What is told of each stream of a program that failed. */
const TOLD = 180;

const makeStream = (code: Assembler, name: string): Register =>
  code.call("memfd_create", [code.text(name), MFD_CLOEXEC], { opens: true });

/** Its standard input: the parts, and the pid between them. */
function feed(code: Assembler, input: Register, parts: readonly string[]): void {
  parts.forEach((part, index) => {
    const text = Buffer.from(part);
    if (index > 0) {
      const number = code.scratch(NUMBER_ROOM);
      const length = code.native("print", [number, NUMBER_ROOM, code.text("%ld"), pid], { looks: true });
      code.native("write", [input, number, length]);
    }
    code.native("write", [input, code.bytes(text), text.length]);
  });
  code.call("lseek", [input, 0, 0]);
}

/** The arguments, of which one may be the pid. */
function words(code: Assembler, { argv, pidArg = 0 }: Spawn): Memory {
  const given = argv.map((word) => code.text(word));
  if (pidArg > 0 && pidArg < argv.length) {
    const number = code.bytes(new Uint8Array(NUMBER_ROOM));
    code.native("print", [number, NUMBER_ROOM, code.text("%ld"), pid]);
    given[pidArg] = number;
  }
  const list = code.pointers(given);
  code.numbers(8, [0]);
  return list;
}

/** As a new program expects them: nothing ignored, nothing blocked. */
function resetSignals(code: Assembler): void {
  const [SIG_SETMASK, SET_SIZE, LAST] = [2, 8, 64];
  const again = code.label();
  const byDefault = code.numbers(8, [0, 0, 0, 0]);
  const signal = code.add(1, 0);
  code.place(again);
  code.attempt("rt_sigaction", [signal, byDefault, 0, SET_SIZE]);
  code.add(signal, 1, signal);
  code.skip(signal, "<", LAST + 1, again);
  code.attempt("rt_sigprocmask", [SIG_SETMASK, code.numbers(8, [0]), 0, SET_SIZE]);
}

/** In the new process: nothing here may fail, it would go on with the plan. */
function become(code: Assembler, op: Spawn, argv: Memory, streams: readonly Register[]): void {
  const looks = { looks: true };
  const lost = code.label();
  const path = code.text(op.path);
  resetSignals(code);
  if (op.tied === true) code.attempt("prctl", [PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0]);
  for (const [fd, stream] of streams.entries()) code.attempt("dup3", [stream, fd, 0]);
  const result = code.native("value", [0], looks);
  if (op.cwd !== undefined && op.cwd !== "") {
    code.call("chdir", [code.text(op.cwd)], { ...looks, into: result });
    code.skip(result, "<", 0, lost);
  }
  code.call("execve", [path, argv, code.texts(op.env)], { ...looks, into: result });
  code.place(lost);
  code.native("complain", [path, result], { looks: true, into: result });
  code.call("exit_group", [127]);
}

/** Kills it if it is late. */
function limit(code: Assembler, child: Register, timeoutMs: number): void {
  const seconds = Math.floor(timeoutMs / 1000);
  const awaited = code.numbers(4, [0, POLLIN]);
  const time = code.numbers(8, [seconds, (timeoutMs % 1000) * 1_000_000]);
  const fd = code.call("pidfd_open", [child, 0], { opens: true });
  code.store(awaited, 4, fd);
  const ended = code.call("ppoll", [awaited, 1, time, 0, 0], { looks: true });
  code.when(ended, "==", 0, () => {
    code.attempt("kill", [child, SIGKILL]);
    code.call("wait4", [child, 0, 0, 0]);
    const text = `hook ran past specified timeout of ${seconds}.${Math.floor(timeoutMs / 100) % 10}s`;
    code.fail(text, ETIMEDOUT);
  });
}

/** Told in place of a system call: how it ended and what it said first. */
function tellFailure(code: Assembler, streams: readonly Register[], ended: Memory): void {
  const told = streams.map((stream) => {
    const text = code.bytes(new Uint8Array(TOLD)); // zeros behind what is read
    code.call("pread64", [stream, text, TOLD - 1, 0]);
    return text;
  });
  const says = (word: string, number: Register): Memory =>
    code.print(448, `${word} %ld, stdout: %s, stderr: %s`, number, ...told);
  const signal = code.load(ended, 1, 0x7f);
  code.when(signal, "!=", 0, () => code.fail(says("signal", signal), ECHILD));
  code.fail(says("exit status", code.load(behind(ended, 1), 1)), ECHILD);
}

export function spawn(code: Assembler, op: Spawn): void {
  const streams = ["stdin", "stdout", "stderr"].map((name) => makeStream(code, name));
  const [input, ...outputs] = streams;
  if (input === undefined) return;
  feed(code, input, op.stdin);
  const argv = words(code, op);
  // not clone3: filters of system calls refuse it, and a hook may come behind the container's
  const child = code.call("clone", [SIGCHLD, 0, 0, 0, 0], { looks: true });
  code.when(child, "<", 0, () => code.fail("fork", child));
  code.when(child, "==", 0, () => become(code, op, argv, streams));
  if (op.timeoutMs > 0) limit(code, child, op.timeoutMs);
  const ended = code.scratch(4);
  code.call("wait4", [child, ended, 0, 0]);
  const failed = code.label();
  const end = code.label();
  code.skip(code.load(ended, 4), "!=", 0, failed);
  code.go(end);
  code.place(failed);
  tellFailure(code, outputs, ended);
  code.place(end);
}
