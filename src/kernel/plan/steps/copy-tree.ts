// Copies trees, in steps.

import {
  type Argument,
  Assembler,
  behind,
  type Label,
  type Memory,
  type Register,
  type Routine,
} from "./assembler.ts";
import type { BodyOf } from "./compilers.ts";
import { fdOf, pathOfFd, STATX_SIZE, statxFields } from "./files.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  EBUSY,
  EINVAL,
  ELOOP,
  ENOSYS,
  EOPNOTSUPP,
  EXDEV,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from "./kernel.table.ts";
import { entryFields, labels, NUMBER, OPEN_DIRECTORY, Walk } from "./walk.ts";

/** Of each directory that is being copied: both fds, and where its list goes on. */
const copying = { from: 0, to: 8, next: 16, size: 24 } as const;
const DEEPEST_COPY = 2000;
const LISTING = 32 << 10;
const XATTRS = 64 << 10;
const PATH_ROOM = 4096;
const MOST_AT_ONCE = 1 << 30;
/** STATX_BASIC_STATS and STATX_MNT_ID. */
const STATX_MASK = 0x17ff;
/** Overlay's own records would make the kernel look elsewhere. */
const OVERLAY_XATTRS = ["trusted.overlay.", "user.overlay."];
const { mode, uid, gid, accessTime, birthTime, modificationTime, special, mount } = statxFields;

class Copy extends Walk {
  readonly #listing: Memory;
  readonly #found: Memory;
  readonly #empty: Memory;
  /** The directories. */
  readonly from: Register;
  readonly to: Register;
  /** 1: not the attributes of the first. */
  readonly contentOnly: Register;
  /** The entry of each; -1: not open. */
  readonly #source: Register;
  readonly #made: Register;
  readonly #type: Register;
  readonly #mount: Register;
  readonly #attributes: Label;
  readonly #next: Label;

  constructor(code: Assembler) {
    super(code, DEEPEST_COPY, copying.size);
    this.#listing = code.scratch(LISTING);
    this.#found = code.scratch(STATX_SIZE);
    this.#empty = code.text("");
    [this.#attributes, this.#next] = labels(code);
    this.from = code.register();
    this.to = code.register();
    this.contentOnly = code.register();
    this.#source = code.register();
    this.#made = code.register();
    this.#type = code.register();
    this.#mount = code.register();
  }

  compile(): Routine {
    const { code } = this;
    const [entry, more, up, done] = labels(code);
    this.begin();
    this.save(copying.from, this.from);
    this.save(copying.to, this.to);
    this.#forgetEntry();
    this.#look(this.from);
    code.load(this.#fieldAt(mount), NUMBER, -1, this.#mount);
    code.place(more);
    this.set(this.at, this.#listing);
    this.list(this.from, LISTING, up);
    code.place(entry);
    this.takeName(this.#next);
    this.#copyEntry(more);
    code.place(this.#attributes);
    this.#copyOwnerAndMode();
    this.#copyXattrs();
    this.#copyTimes();
    code.skip(this.at, "==", 0, done);
    this.#closeEntry();
    code.place(this.#next);
    this.goToNext(entry, more);
    code.place(up);
    this.#endDirectory(done);
    this.placeFailed(() => this.#closeEntry());
    code.place(done);
    return code.routine();
  }

  #fieldAt(field: number): Memory {
    return behind(this.#found, field);
  }

  #look(fd: Register, name: Argument = this.#empty): void {
    const [flags, label] = name === this.#empty ? [AT_EMPTY_PATH, "fstat"] : [AT_SYMLINK_NOFOLLOW, "fstatat"];
    this.call("statx", [fd, name, flags, STATX_MASK, this.#found], label);
  }

  #open(directory: Register, flags: number, into: Register): void {
    this.call("openat", [directory, this.name, flags | O_NOFOLLOW | O_CLOEXEC, 0o600]);
    this.set(into, this.result);
  }

  /** Opens only regular files and directories; looks at what it opened, which may be another by then. Goes on at `more` in a directory. */
  #copyEntry(more: Label): void {
    const type = this.#type;
    const { code } = this;
    const [content, folder] = labels(code);
    this.#look(this.from, this.name);
    code.load(this.#fieldAt(mode), 2, S_IFMT, type);
    code.skip(type, "==", S_IFSOCK, this.#next);
    for (const open of [S_IFREG, S_IFDIR]) code.skip(type, "==", open, content);
    this.#makeSpecial();
    code.go(this.#attributes);
    code.place(content);
    this.#open(this.from, O_RDONLY | O_NONBLOCK, this.#source);
    this.#look(this.#source);
    code.when(code.load(this.#fieldAt(mode), 2, S_IFMT, this.result), "!=", type, () =>
      this.fail("openat", EBUSY),
    );
    code.skip(type, "==", S_IFDIR, folder);
    this.#open(this.to, O_WRONLY | O_CREAT | O_EXCL, this.#made);
    this.#copyContent();
    code.place(folder);
    this.call("mkdirat", [this.to, this.name, 0o700]);
    this.#open(this.to, O_RDONLY | O_DIRECTORY, this.#made);
    this.#enter(more);
  }

  /** Of a directory where something else is mounted, only itself. */
  #enter(more: Label): void {
    const { code, level } = this;
    code.skip(code.load(this.#fieldAt(mount), NUMBER, -1, this.result), "!=", this.#mount, this.#attributes);
    code.when(this.levelAt(DEEPEST_COPY - 1), "==", level, () => this.fail("openat", ELOOP));
    code.add(this.at, entryFields.next, this.at);
    this.save(copying.next, code.load(this.at, NUMBER, -1, this.result));
    this.move(1);
    this.set(this.from, this.#source);
    this.set(this.to, this.#made);
    this.save(copying.from, this.from);
    this.save(copying.to, this.to);
    this.#forgetEntry();
    code.go(more);
  }

  #makeSpecial(): void {
    const { code, result, name } = this;
    const [link, made] = labels(code);
    const target = code.scratch(PATH_ROOM);
    code.skip(this.#type, "==", S_IFLNK, link);
    const part = this.#made;
    code.load(this.#fieldAt(special + 4), 4, 0xff, result);
    for (const [at, mask, factor] of [
      [0, 0xfff, 1 << 8],
      [4, ~0xff, 1 << 12],
    ] as const) {
      code.load(this.#fieldAt(special + at), 4, mask, part);
      code.native("value", [result, part, factor], { looks: true, into: result });
    }
    this.call("mknodat", [this.to, name, code.load(this.#fieldAt(mode), 2, -1, part), result]);
    code.go(made);
    code.place(link);
    this.call("readlinkat", [this.from, name, target, PATH_ROOM - 1]);
    code.add(target, result, result);
    code.store(result, 1, 0);
    this.call("symlinkat", [target, this.to, name]);
    code.place(made);
    this.#open(this.to, O_PATH, part);
  }

  /** Shared extents where the file systems allow it: between two of them, or from an overlay, bytes are copied in the kernel. */
  #copyContent(): void {
    const { code, result } = this;
    const [again, sending] = labels(code);
    code.place(again);
    this.attempt("copy_file_range", [this.#source, 0, this.#made, 0, MOST_AT_ONCE, 0]);
    code.skip(result, "==", 0, this.#attributes);
    code.skip(result, ">=", 0, again);
    this.failUnless("copy_file_range", EXDEV, EINVAL, EOPNOTSUPP, ENOSYS);
    code.place(sending);
    this.call("sendfile", [this.#made, this.#source, 0, MOST_AT_ONCE]);
    code.skip(result, "==", 0, this.#attributes);
    code.go(sending);
  }

  /** The owner first: chown clears setuid and capabilities. */
  #copyOwnerAndMode(): void {
    const { code, result } = this;
    const [open, done] = labels(code);
    const load = (field: number, size: 2 | 4, mask: number, into: Register): Register =>
      code.load(this.#fieldAt(field), size, mask, into);
    const owner = [load(uid, 4, -1, result), load(gid, 4, -1, this.name)];
    this.call("fchownat", [this.#made, this.#empty, ...owner, AT_EMPTY_PATH]);
    code.skip(this.#type, "==", S_IFLNK, done);
    code.skip(this.#source, ">=", 0, open);
    const path = pathOfFd(code, this.#made);
    this.call("fchmodat", [AT_FDCWD, path, load(mode, 2, 0o7777, result)], "chmod");
    code.go(done);
    code.place(open);
    this.call("fchmod", [this.#made, load(mode, 2, 0o7777, result)]);
    code.place(done);
  }

  /** What the other file system has no place for is left out, as Docker does. */
  #copyXattrs(): void {
    const { code, result, name: attribute } = this;
    const [again, done, skipped] = labels(code);
    const left = this.#type;
    const [names, value] = [code.scratch(XATTRS), code.scratch(XATTRS)];
    code.skip(this.#source, "<", 0, done);
    this.attempt("flistxattr", [this.#source, names, XATTRS]);
    this.failUnless("flistxattr", EOPNOTSUPP);
    this.set(left, result);
    this.set(attribute, names);
    code.place(again);
    code.when(left, "<", 1, () => code.go(done));
    for (const prefix of OVERLAY_XATTRS) {
      const found = [attribute, prefix.length, code.text(prefix), prefix.length];
      code.native("find", found, { looks: true, into: result });
      code.skip(result, "==", 0, skipped);
    }
    this.call("fgetxattr", [this.#source, attribute, value, XATTRS]);
    this.attempt("fsetxattr", [this.#made, attribute, value, result, 0]);
    this.failUnless("fsetxattr", EOPNOTSUPP);
    code.place(skipped);
    code.native("find", [attribute, left, this.#empty, 1], { looks: true, into: result });
    code.add(result, 1, result);
    code.add(attribute, result, attribute);
    code.subtract(left, result);
    code.go(again);
    code.place(done);
  }

  /** Of the times of statx(2), the modification's is put behind the access's. */
  #copyTimes(): void {
    const { code, result } = this;
    for (const half of [0, NUMBER])
      code.store(
        this.#fieldAt(birthTime + half),
        NUMBER,
        code.load(this.#fieldAt(modificationTime + half), NUMBER, -1, result),
      );
    this.call("utimensat", [this.#made, this.#empty, this.#fieldAt(accessTime), AT_EMPTY_PATH]);
  }

  /** Its attributes come last. The one above goes on behind it. */
  #endDirectory(done: Label): void {
    const { code } = this;
    code.when(this.levelAt(0), "==", this.level, () => code.skip(this.contentOnly, "!=", 0, done));
    this.set(this.#source, this.from);
    this.set(this.#made, this.to);
    this.set(this.#type, S_IFDIR);
    this.#look(this.#source);
    this.set(this.at, 0);
    code.skip(this.levelAt(0), "==", this.level, this.#attributes);
    this.#goUp();
    this.restore(copying.next, this.result);
    code.call("lseek", [this.from, this.result, 0]);
    this.set(this.at, this.#listing);
    this.set(this.end, 0);
    code.go(this.#attributes);
  }

  #goUp(): void {
    this.move(-1);
    this.restore(copying.from, this.from);
    this.restore(copying.to, this.to);
  }

  protected leave(): void {
    this.code.attempt("close", [this.from]);
    this.code.attempt("close", [this.to]);
    this.#goUp();
  }

  #closeEntry(): void {
    this.code.attempt("close", [this.#source]);
    this.code.attempt("close", [this.#made]);
    this.#forgetEntry();
  }

  #forgetEntry(): void {
    this.set(this.#source, -1);
    this.set(this.#made, -1);
  }
}

function compileCopy(): { walk: Copy; routine: Routine } {
  const walk = new Copy(new Assembler());
  return { walk, routine: walk.compile() };
}

let compiled: ReturnType<typeof compileCopy> | undefined;

/** What is in one directory to another and, unless only that is wanted, its attributes. All of an operation. */
export function copy(code: Assembler, { from, to, contentOnly }: BodyOf<"copyTree">): void {
  compiled ??= compileCopy();
  const { walk, routine } = compiled;
  code.prepare(routine);
  const slots = [
    [from, walk.from],
    [to, walk.to],
  ] as const;
  for (const [slot, register] of slots)
    code.call("openat", [fdOf(slot), code.text("."), OPEN_DIRECTORY, 0], { opens: true, into: register });
  if (contentOnly === true) code.set(walk.contentOnly, 1);
  code.run(routine);
}
