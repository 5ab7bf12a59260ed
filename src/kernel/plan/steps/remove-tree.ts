// Removes trees, in steps.

import { Assembler, type Label, type Register, type Routine } from "./assembler.ts";
import {
  AT_REMOVEDIR,
  EBUSY,
  EEXIST,
  EISDIR,
  ELOOP,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EXDEV,
  RESOLVE_NO_XDEV,
} from "./kernel.table.ts";
import { entryFields, labels, NUMBER, OPEN_DIRECTORY, Walk } from "./walk.ts";

/** Of each directory that is being removed: its fd, the entry whose content goes first, the end of what was listed, and that. */
const removal = { fd: 0, at: 8, end: 16, listing: 24, size: 2048 } as const;
/** A hostile tree must not exhaust fds: directories that lie deeper are first moved up. */
const DEEPEST_REMOVAL = 64;

class Removal extends Walk {
  readonly directory: Register;
  readonly entry: Register;
  readonly #moved: Register;
  /** Something was listed since the directory was entered; nothing was, of the one that was just left. */
  readonly #seen: Register;
  readonly #hollow: Register;

  constructor(code: Assembler) {
    super(code, DEEPEST_REMOVAL, removal.size);
    this.directory = code.register();
    this.entry = code.register();
    this.#moved = code.register();
    this.#seen = code.register();
    this.#hollow = code.register();
  }

  compile(): Routine {
    const { code, at } = this;
    const [entry, next, more, up, done] = labels(code);
    this.begin();
    this.save(removal.fd, this.directory);
    this.set(at, this.entry);
    code.skip(at, "!=", 0, entry);
    code.place(more);
    code.add(this.level, removal.listing, at);
    this.list(this.directory, removal.size - removal.listing, up);
    code.place(entry);
    this.takeName(next);
    this.set(this.#seen, 1);
    this.#removeEntry(next);
    this.#enter(next);
    code.go(more);
    code.place(next);
    code.when(this.levelAt(0), "==", this.level, () => code.skip(this.entry, "!=", 0, done));
    this.set(this.#hollow, 0);
    this.goToNext(entry, more);
    code.place(up);
    this.#endPass(more, done);
    this.leave();
    code.go(entry); // once more: it is empty now, or is entered again
    this.placeFailed(() => undefined);
    code.place(done);
    return code.routine();
  }

  /** Goes on at `next`, but with a directory that holds something. */
  #removeEntry(next: Label): void {
    const { code, result, name } = this;
    const unlink = (flags: number): void => {
      this.attempt("unlinkat", [this.directory, name, flags]);
      code.skip(result, ">=", 0, next);
      code.skip(result, "==", -ENOENT, next);
    };
    unlink(0);
    this.failUnless("unlinkat", EISDIR, EPERM);
    unlink(AT_REMOVEDIR);
    code.when(result, "==", -ENOTDIR, () => this.fail("unlinkat", EBUSY)); // it is being exchanged
    this.failUnless("unlinkat", ENOTEMPTY);
    code.when(this.#hollow, "!=", 0, () => this.fail("unlinkat")); // and shows nothing
  }

  #enter(next: Label): void {
    const { code, result, name, level } = this;
    const how = code.numbers(NUMBER, [OPEN_DIRECTORY, 0, RESOLVE_NO_XDEV]);
    code.when(this.levelAt(DEEPEST_REMOVAL - 1), "==", level, () => this.#moveUp(next));
    this.attempt("openat2", [this.directory, name, how, 24]);
    code.skip(result, "==", -ENOENT, next);
    for (const errno of [ENOTDIR, ELOOP, EXDEV])
      code.when(result, "==", -errno, () => this.fail("unlinkat", EBUSY));
    this.failUnless("openat2");
    this.save(removal.at, this.at);
    this.save(removal.end, this.end);
    this.move(1);
    this.set(this.directory, result);
    this.save(removal.fd, this.directory);
    this.set(this.#seen, 0);
    this.set(this.#hollow, 0);
  }

  /** To the second level's directory, under a name that is free there. */
  #moveUp(next: Label): void {
    const { code, result } = this;
    const again = code.label();
    const free = code.scratch(32);
    const top = code.load(this.levelAt(1, removal.fd), NUMBER);
    code.place(again);
    code.native("print", [free, 32, code.text(".gantry-removed-%ld"), this.#moved]);
    code.add(this.#moved, 1, this.#moved);
    this.attempt("renameat2", [this.directory, this.name, top, free, 0]);
    for (const errno of [EEXIST, ENOTEMPTY, ENOTDIR]) code.skip(result, "==", -errno, again);
    this.failUnless("renameat", ENOENT);
    code.go(next);
  }

  /** Of the top, until one sees nothing: a directory that changes while it is read may hide entries. */
  #endPass(more: Label, done: Label): void {
    const { code, level } = this;
    code.when(this.levelAt(0), "==", level, () => {
      code.skip(this.#seen, "==", 0, done);
      this.set(this.#seen, 0);
      code.call("lseek", [this.directory, 0, 0]);
      code.go(more);
    });
  }

  protected leave(): void {
    this.code.attempt("close", [this.directory]);
    this.code.native("value", [1, this.#seen, -1], { looks: true, into: this.#hollow });
    this.move(-1);
    this.restore(removal.fd, this.directory);
    this.restore(removal.at, this.at);
    this.restore(removal.end, this.end);
  }
}

function compileRemoval(): { walk: Removal; routine: Routine } {
  const walk = new Removal(new Assembler());
  return { walk, routine: walk.compile() };
}

let compiled: ReturnType<typeof compileRemoval> | undefined;

/** Everything in the directory or, of that, the entry of this name; absent is success. The first of an operation. */
export function remove(code: Assembler, openDirectory: () => Register, base?: string): void {
  compiled ??= compileRemoval();
  const { walk, routine } = compiled;
  code.prepare(routine);
  code.add(openDirectory(), 0, walk.directory);
  if (base !== undefined) {
    code.add(code.bytes(new Uint8Array(entryFields.name)), 0, walk.entry);
    code.text(base);
  }
  code.run(routine);
}
