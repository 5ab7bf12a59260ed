// The program of one operation: steps, the data that they point to, and where in it pointers lie. native/PROTOCOL.md draws the bytes.
//
//   register   takes what a step returns. Those that `call` makes with `opens` are closed when the operation ends, however it does.
//   data       travels with the plan; kept from one run to the next.
//   scratch    memory that every operation shares: for what a call tells, until the operation ends.

import type { Op } from "../ops.ts";
import { WireWriter } from "../wire.ts";
import { type CallName, calls, constants, type NativeName, natives } from "./steps.table.ts";

const { ARGUMENT_REGISTER, ARGUMENT_DATA, ARGUMENT_SCRATCH } = constants;
const { STEP_LOOKS, STEP_OPENS, STEP_LABELLED, STEP_LABEL_MADE, PID_REGISTER, SCRATCH_SIZE } = constants;

export interface Register {
  readonly kind: typeof ARGUMENT_REGISTER;
  readonly at: number;
}
export interface Memory {
  readonly kind: typeof ARGUMENT_DATA | typeof ARGUMENT_SCRATCH;
  readonly at: number;
}
export type Argument = number | Register | Memory;
/** A place in the code: where to go on. */
export interface Label {
  at: number;
  readonly uses: number[];
}

/** What several operations do in the same steps, compiled once. */
export interface Routine {
  readonly data: Uint8Array;
  readonly code: Uint8Array;
  readonly scratch: number;
  readonly registers: number;
}

export interface StepOptions {
  /** The result's register; else one of its own if it is looked at or an fd. */
  readonly into?: Register;
  /** A failure is a result: the negative errno. */
  readonly looks?: boolean;
  readonly opens?: boolean;
  /** What a failure is called, if not as the system call. */
  readonly label?: string | Memory;
}

const callNumbers = new Map<string, number>(calls.map((name, index) => [name, index]));
const nativeNumbers = new Map<string, number>(natives.map((name, index) => [name, calls.length + index]));
const registers = Array.from(
  { length: constants.REGISTERS },
  (_, at): Register => ({ kind: ARGUMENT_REGISTER, at }),
);
/** Of results that nobody wants. */
const IGNORED = PID_REGISTER - 1;
const HIGH = 2 ** 32;
const comparisons = {
  "==": constants.COMPARE_EQUAL,
  "!=": constants.COMPARE_UNEQUAL,
  "<": constants.COMPARE_LESS,
  ">=": constants.COMPARE_NOT_LESS,
} as const;
const opposites = { "==": "!=", "!=": "==", "<": ">=", ">=": "<" } as const;
export type Comparison = keyof typeof comparisons;

const registerAt = (at: number): Register => {
  const register = registers[at];
  if (register === undefined) throw new RangeError("an operation needs more registers than there are");
  return register;
};

export const pid = registerAt(PID_REGISTER);

export class Assembler {
  readonly #data = new WireWriter();
  readonly #code = new WireWriter();
  #pointers: number[] = [];
  #scratch = 0;
  #registers = 0;
  #marks = 0;
  #isHost = false;

  /** Begins another operation. */
  begin(op: Pick<Op, "host" | "mayFail">): void {
    this.#data.clear();
    this.#code.clear();
    this.#pointers = [];
    this.#scratch = 0;
    this.#registers = 0;
    this.#isHost = op.host === true;
    this.#marks =
      (op.host === true ? constants.MARK_HOST : 0) | (op.mayFail === true ? constants.MARK_MAY_FAIL : 0);
  }

  /** u32 marks, bytes data, bytes places of pointers, bytes code. */
  write(writer: WireWriter): void {
    writer.u32(this.#marks);
    writer.written(this.#data);
    writer.u32(this.#pointers.length * 4);
    for (const at of this.#pointers) writer.u32(at);
    writer.written(this.#code);
  }

  /** Everything that was written so far. */
  routine(): Routine {
    const bytes = (writer: WireWriter): Uint8Array => Uint8Array.from(writer.finish());
    return {
      data: bytes(this.#data),
      code: bytes(this.#code),
      scratch: this.#scratch,
      registers: this.#registers,
    };
  }

  /** Begins an operation that is going to run it: its data, memory and registers. */
  prepare(routine: Routine): void {
    if (this.#data.size > 0 || this.#registers > 0) throw new RangeError("a routine's data comes first");
    this.#data.raw(routine.data);
    this.#scratch = routine.scratch;
    this.#registers = routine.registers;
  }

  run(routine: Routine): void {
    this.#code.raw(routine.code);
  }

  mark(marks: number): void {
    this.#marks |= marks;
  }

  get isHost(): boolean {
    return this.#isHost;
  }

  // -- memory

  #here(): Memory {
    return { kind: ARGUMENT_DATA, at: this.#data.size };
  }

  /** With a NUL behind it. */
  text(value: string): Memory {
    const at = this.#here();
    this.#data.text(value);
    return at;
  }

  bytes(value: Uint8Array): Memory {
    const at = this.#here();
    this.#data.raw(value);
    return at;
  }

  /** Numbers of that many bytes, one behind the other and behind what was made before. */
  numbers(size: 4 | 8, values: readonly (number | bigint)[]): Memory {
    const at = this.#here();
    for (const value of values) {
      if (typeof value === "bigint") this.#data.u64(value);
      else {
        this.#data.u32(value);
        if (size === 8) this.#data.u32(Math.floor(value / HIGH));
      }
    }
    return at;
  }

  /** Addresses of data, one behind the other. */
  pointers(targets: readonly Memory[]): Memory {
    const at = this.#here();
    for (const { at: target } of targets) {
      this.#pointers.push(this.#data.size);
      this.numbers(8, [target]);
    }
    return at;
  }

  /** What execve(2) takes: addresses, and a null. */
  texts(values: readonly string[]): Memory {
    const at = this.pointers(values.map((value) => this.text(value)));
    this.numbers(8, [0]);
    return at;
  }

  scratch(size: number): Memory {
    const at = this.#scratch;
    this.#scratch += (size + 7) & ~7;
    if (this.#scratch > SCRATCH_SIZE) throw new RangeError(`an operation needs ${this.#scratch} bytes`);
    return { kind: ARGUMENT_SCRATCH, at };
  }

  // -- steps

  /** Another one; 0 at first. */
  register(): Register {
    if (this.#registers === IGNORED) throw new RangeError("an operation needs more registers than there are");
    return registerAt(this.#registers++);
  }

  #result({ into, looks, opens }: StepOptions): Register {
    if (into !== undefined) return into;
    return looks === true || opens === true ? this.register() : registerAt(IGNORED);
  }

  #step(code: number, args: readonly Argument[], options: StepOptions): Register {
    const result = this.#result(options);
    const label = typeof options.label === "string" ? this.text(options.label) : options.label;
    const flags =
      (options.looks === true ? STEP_LOOKS : 0) |
      (options.opens === true ? STEP_OPENS : 0) |
      (label === undefined ? 0 : STEP_LABELLED) |
      (label?.kind === ARGUMENT_SCRATCH ? STEP_LABEL_MADE : 0);
    let shape = args.length;
    let shift = 8;
    for (const argument of args) {
      if (typeof argument !== "number") shape |= argument.kind << shift;
      shift += 2;
    }
    this.#code.u32(code | (flags << 16) | (result.at << 24));
    this.#code.u32(shape);
    for (const argument of args) this.#code.u32(typeof argument === "number" ? argument : argument.at);
    if (label !== undefined) this.#code.u32(label.at);
    return result;
  }

  /** A system call. */
  call(name: CallName, args: readonly Argument[], options: StepOptions = {}): Register {
    return this.#step(callNumbers.get(name) ?? 0, args, options);
  }

  /** A system call whose failure does not matter. */
  attempt(name: CallName, args: readonly Argument[]): void {
    this.call(name, args, { looks: true, into: registerAt(IGNORED) });
  }

  /** A step that native/ has C for. */
  native(name: NativeName, args: readonly Argument[], options: StepOptions = {}): Register {
    return this.#step(nativeNumbers.get(name) ?? 0, args, options);
  }

  fail(label: string | Memory, errno: number | Register): void {
    this.native("value", [typeof errno === "number" ? -errno : errno], { label });
  }

  set(register: Register, value: number): void {
    this.native("value", [value], { into: register, looks: true });
  }

  add(left: Argument, right: Argument, into?: Register): Register {
    return this.native("value", [left, right, 1], { looks: true, ...(into !== undefined && { into }) });
  }

  subtract(from: Register, value: Register): void {
    this.native("value", [from, value, -1], { looks: true, into: from });
  }

  /** The number in memory, or at an address, that the mask leaves. */
  load(from: Memory | Register, size: 1 | 2 | 4 | 8, mask = -1, into?: Register): Register {
    return this.native("load", [from, size, mask], { looks: true, ...(into !== undefined && { into }) });
  }

  store(to: Memory | Register, size: 1 | 2 | 4 | 8, value: Argument): void {
    this.native("store", [to, size, value]);
  }

  /** As printf(3) does, with %s and %ld. */
  print(room: number, format: string, ...values: readonly Argument[]): Memory {
    const to = this.scratch(room);
    this.native("print", [to, room, this.text(format), ...values]);
    return to;
  }

  // -- order

  label(): Label {
    return { at: -1, uses: [] };
  }

  place(label: Label): void {
    label.at = this.#code.size;
    for (const use of label.uses) this.#code.setU32(use, label.at - use - 4);
  }

  /** Goes on at the label if the comparison holds. */
  skip(left: Argument, comparison: Comparison, right: number | Register, to: Label): void {
    this.native("skip", [left, comparisons[comparison], right, 0]);
    const use = this.#code.size - 4;
    if (to.at >= 0) this.#code.setU32(use, to.at - use - 4);
    else to.uses.push(use);
  }

  go(to: Label): void {
    this.skip(0, "==", 0, to);
  }

  when(left: Argument, comparison: Comparison, right: number | Register, then: () => void): void {
    const behind = this.label();
    this.skip(left, opposites[comparison], right, behind);
    then();
    this.place(behind);
  }
}

/** Memory that many bytes on. */
export const behind = (memory: Memory, bytes: number): Memory => ({ ...memory, at: memory.at + bytes });
