// A walk through a tree of files in steps: never through a symlink, never across a mount. A directory is opened below the one that it is in;
// scratch memory remembers, level by level, those above it. This is not in a thread (as kernel/trees is) because a container's process and
// a shim without its daemon do it, too.

import {
  type Argument,
  type Assembler,
  behind,
  type Label,
  type Memory,
  type Register,
} from "./assembler.ts";
import { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from "./kernel.table.ts";
import type { CallName } from "./steps.table.ts";

/** Where an entry of getdents64(2) has what. */
export const entryFields = { next: 8, length: 16, name: 19 } as const;
const [DOT, DOT_DOT] = [0x2e, 0x2e2e];
const OPEN_ITSELF = O_NOFOLLOW | O_CLOEXEC;
export const OPEN_DIRECTORY = O_RDONLY | O_DIRECTORY | OPEN_ITSELF;
export const NUMBER = 8;
const CALL_ROOM = 32;
/** As many as are taken. */
export const labels = (code: Assembler): readonly [Label, Label, Label, Label, Label] => [
  code.label(),
  code.label(),
  code.label(),
  code.label(),
  code.label(),
];

/** What the steps of both walks share. Theirs are compiled once. */
export abstract class Walk {
  protected readonly code: Assembler;
  readonly #levels: Memory;
  readonly #size: number;
  /** Address of what is remembered of the directory. */
  protected readonly level: Register;
  /** Of the last call. */
  protected readonly result: Register;
  /** Address of the entry that is looked at, of its name, and behind the last one that was listed. */
  protected readonly at: Register;
  protected readonly name: Register;
  protected readonly end: Register;
  readonly #failed: Label;
  readonly #call: Memory;

  constructor(code: Assembler, deepest: number, size: number) {
    this.code = code;
    this.#size = size;
    this.#levels = code.scratch(size * deepest);
    this.#call = code.scratch(CALL_ROOM);
    this.#failed = code.label();
    this.level = code.register();
    this.result = code.register();
    this.at = code.register();
    this.name = code.register();
    this.end = code.register();
  }

  /** Closes the directory and goes on in the one above. */
  protected abstract leave(): void;

  protected begin(): void {
    this.set(this.level, this.#levels);
  }

  protected set(register: Register, value: Argument): void {
    this.code.add(value, 0, register);
  }

  // -- calls

  /** A call whose failure is a result. */
  protected attempt(name: CallName, args: readonly Argument[]): void {
    this.code.call(name, args, { looks: true, into: this.result });
  }

  protected call(name: CallName, args: readonly Argument[], label: string = name): void {
    this.attempt(name, args);
    this.failUnless(label);
  }

  protected failUnless(label: string, ...accepted: readonly number[]): void {
    const end = this.code.label();
    for (const errno of accepted) this.code.skip(this.result, "==", -errno, end);
    this.code.when(this.result, "<", 0, () => this.fail(label));
    this.code.place(end);
  }

  /** Ends the walk with what is in `result`. */
  protected fail(label: string, errno?: number): void {
    if (errno !== undefined) this.set(this.result, -errno);
    this.code.native("print", [this.#call, CALL_ROOM, this.code.text(label)]);
    this.code.go(this.#failed);
  }

  /** What was opened before the operation's end would close the rest. */
  protected placeFailed(close: () => void): void {
    this.code.place(this.#failed);
    close();
    this.unlessAtTop(() => {
      this.leave();
      this.code.go(this.#failed);
    });
    this.code.fail(this.#call, this.result);
  }

  // -- levels

  /** Further down, counted from the top, and what is in it. */
  protected levelAt(depth: number, field = 0): Memory {
    return behind(this.#levels, depth * this.#size + field);
  }

  protected unlessAtTop(then: () => void): void {
    this.code.when(this.#levels, "!=", this.level, then);
  }

  protected move(levels: 1 | -1): void {
    this.code.add(this.level, levels * this.#size, this.level);
  }

  protected save(field: number, value: Register): void {
    this.code.add(this.level, field, this.name);
    this.code.store(this.name, NUMBER, value);
  }

  protected restore(field: number, value: Register): void {
    this.code.add(this.level, field, this.name);
    this.code.load(this.name, NUMBER, -1, value);
  }

  // -- entries

  /** What comes next of the directory, from `at` on; goes on elsewhere at its end. */
  protected list(directory: Register, room: number, ended: Label): void {
    this.call("getdents64", [directory, this.at, room]);
    this.code.skip(this.result, "==", 0, ended);
    this.code.add(this.at, this.result, this.end);
  }

  /** The entry's name, unless that is "." or "..". */
  protected takeName(next: Label): void {
    const { code, name, result } = this;
    code.add(this.at, entryFields.name, name);
    code.skip(code.load(name, 2, -1, result), "==", DOT, next);
    code.skip(code.load(name, 4, 0xff_ffff, result), "==", DOT_DOT, next);
  }

  protected goToNext(entry: Label, more: Label): void {
    const { code, at, result } = this;
    code.add(at, entryFields.length, result);
    code.add(at, code.load(result, 2, -1, result), at);
    code.skip(at, "<", this.end, entry);
    code.go(more);
  }
}
