// Steps of operations on mounts. Targets are opened first and mounted onto by file descriptor.

import { type Argument, type Assembler, behind, type Register } from "./assembler.ts";
import type { BodyOf, Compilers } from "./compilers.ts";
import {
  type Found,
  fdOf,
  keep,
  make,
  openTarget,
  type Place,
  pathOfFd,
  stat,
  statxFields,
  typeIn,
  unlessMissing,
} from "./files.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  EBADF,
  EINVAL,
  ELOOP,
  ENODEV,
  ENOENT,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MNT_DETACH,
  MOUNT_ATTR_INERT,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_EMPTY_PATHS,
  O_CLOEXEC,
  OPEN_TREE_CLONE,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
} from "./kernel.table.ts";
import { constants } from "./steps.table.ts";

/** An empty tmpfs behind the slots: one covers every masked directory of the container. */
const EMPTY_FD = fdOf(128);
const MOUNT_ATTR_SIZE = 32;

/** Nothing is mounted on a link itself. */
function attach(code: Assembler, tree: Argument, target: Argument, found = stat(code, target)): void {
  code.when(typeIn(code, found), "==", S_IFLNK, () => code.fail("move_mount", ELOOP));
  const empty = code.text("");
  code.call("move_mount", [tree, empty, target, empty, MOVE_MOUNT_EMPTY_PATHS]);
}

/** A detached copy of the mount at the path or, if that is "", of what the fd lies on. */
const cloneTree = (
  code: Assembler,
  from: Argument,
  path: string,
  options: { readonly recursive?: boolean; readonly looks?: boolean } = {},
): Register =>
  code.call(
    "open_tree",
    [
      from,
      code.text(path),
      OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | (options.recursive === true ? AT_RECURSIVE : 0),
    ],
    { opens: true, looks: options.looks ?? false },
  );

interface Making {
  /** A target that is missing is made as the tree's root is. */
  readonly create: boolean;
  /** Steps for one that was there. */
  readonly whenThere?: (target: Argument) => void;
}

function openOrMake(code: Assembler, tree: Argument, place: Place, { create, whenThere }: Making): Argument {
  const target = openTarget(code, place, create);
  if (!create || typeof target === "number" || target.kind !== constants.ARGUMENT_REGISTER) {
    whenThere?.(target);
    return target;
  }
  const made = code.label();
  code.when(target, ">=", 0, () => {
    whenThere?.(target);
    code.go(made);
  });
  code.when(target, "!=", -ENOENT, () => code.fail("openat2", target));
  const wanted = { ...place, parents: true, into: target };
  code.when(typeIn(code, stat(code, tree)), "==", S_IFDIR, () => {
    make(code, { ...wanted, mode: S_IFDIR | 0o755 });
    code.go(made);
  });
  make(code, { ...wanted, mode: S_IFREG | 0o644 });
  code.place(made);
  return target;
}

function setAttributes(
  code: Assembler,
  fd: Argument,
  recursive: boolean,
  attributes: readonly [set: number, clear: number, propagation: number, userns: number],
): void {
  const flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  code.call("mount_setattr", [fd, code.text(""), flags, code.numbers(8, attributes), MOUNT_ATTR_SIZE]);
}

interface Filesystem {
  readonly fstype: string;
  readonly options: readonly (readonly [key: string, value: string])[];
  readonly attributes: number;
}

/** fsopen, fsconfig, fsmount. */
function makeFilesystem(
  code: Assembler,
  { fstype, options, attributes }: Filesystem,
  into?: Register,
): Register {
  const made = code.call("fsopen", [code.text(fstype), FSOPEN_CLOEXEC], { opens: true });
  for (const [key, value] of options)
    if (value === "") code.call("fsconfig", [made, FSCONFIG_SET_FLAG, code.text(key), 0, 0]);
    else code.call("fsconfig", [made, FSCONFIG_SET_STRING, code.text(key), code.text(value), 0]);
  code.call("fsconfig", [made, FSCONFIG_CMD_CREATE, 0, 0, 0]);
  const opened = { opens: true, ...(into !== undefined && { into }) };
  return code.call("fsmount", [made, FSMOUNT_CLOEXEC, attributes], opened);
}

/** The real /dev/null, checked: an image's own must never be bound or opened in its place. */
function coverWithNull(code: Assembler, target: Argument, found: Found): void {
  const tree = cloneTree(code, AT_FDCWD, "/dev/null");
  const real = stat(code, tree);
  const wrong = (): void => code.fail("open_tree", ENODEV);
  code.when(typeIn(code, real), "!=", S_IFCHR, wrong);
  code.when(code.load(behind(real.memory, statxFields.special), 4), "!=", 1, wrong);
  code.when(code.load(behind(real.memory, statxFields.special + 4), 4), "!=", 3, wrong);
  attach(code, tree, target, found);
}

/** Once attached, it can be cloned. */
function coverWithEmpty(code: Assembler, target: Argument, found: Found): void {
  const tree = cloneTree(code, EMPTY_FD, "", { looks: true });
  code.when(tree, "==", -EBADF, () => {
    const options = [
      ["nr_inodes", "1"],
      ["ro", ""],
    ] as const;
    makeFilesystem(code, { fstype: "tmpfs", options, attributes: MOUNT_ATTR_INERT }, tree);
    code.call("dup3", [tree, EMPTY_FD, O_CLOEXEC]);
  });
  code.when(tree, "<", 0, () => code.fail("open_tree", tree));
  attach(code, tree, target, found);
}

function maskPath(code: Assembler, place: Place): void {
  const target = openTarget(code, place, true);
  unlessMissing(code, { label: "openat2", result: target }, () => {
    const found = stat(code, target);
    const end = code.label();
    code.when(typeIn(code, found), "==", S_IFDIR, () => {
      coverWithEmpty(code, target, found);
      code.go(end);
    });
    coverWithNull(code, target, found);
    code.place(end);
  });
}

function readonlyPath(code: Assembler, place: Place): void {
  const target = openTarget(code, place, true);
  unlessMissing(code, { label: "openat2", result: target }, () => {
    const tree = cloneTree(code, target, "", { recursive: true });
    setAttributes(code, tree, true, [MOUNT_ATTR_RDONLY, 0, 0, 0]);
    attach(code, tree, target);
  });
}

function mount(code: Assembler, op: BodyOf<"mount">): void {
  const target = openTarget(code, { path: op.target, root: op.root });
  if (op.cwd !== undefined && op.cwd !== "") code.call("chdir", [code.text(op.cwd)]);
  const [source, fstype, data] = [code.text(op.source), code.text(op.fstype), code.text(op.data)];
  code.call("mount", [source, pathOfFd(code, target), fstype, op.flags, data]);
}

function attachTree(code: Assembler, op: BodyOf<"attachTree">): void {
  const tree = fdOf(op.slot);
  const keepMode = (there: Argument): void => {
    const mode = code.load(behind(stat(code, there).memory, statxFields.mode), 2, 0o7777);
    code.call("fchmodat", [AT_FDCWD, pathOfFd(code, tree), mode], { label: "chmod" });
  };
  const making = {
    create: op.createTarget === true,
    ...(op.keepMode === true && { whenThere: keepMode }),
  };
  attach(code, tree, openOrMake(code, tree, { path: op.target, root: op.root }, making));
}

export const mounts = {
  mount,
  newMount: (code, { fstype, keys, values, attributes, slot }) => {
    const options = keys.map((key, index) => [key, values[index] ?? ""] as const);
    keep(code, makeFilesystem(code, { fstype, options, attributes }), slot);
  },
  bind: (code, { source = "", sourceSlot, target, root, recursive, createTarget }) => {
    const from = sourceSlot === undefined ? AT_FDCWD : fdOf(sourceSlot);
    const tree = cloneTree(code, from, source, { recursive });
    attach(code, tree, openOrMake(code, tree, { path: target, root }, { create: createTarget === true }));
  },
  openTree: (code, { source, slot, recursive }) =>
    keep(code, cloneTree(code, AT_FDCWD, source, { recursive }), slot),
  attachTree,
  moveMount: (code, { source, target }) =>
    void code.call("move_mount", [AT_FDCWD, code.text(source), AT_FDCWD, code.text(target), 0]),
  mountAttr: (code, { target, root, set, clear, propagation, recursive, usernsSlot, missingOk }) => {
    if (missingOk === true) code.mark(constants.MARK_MISSING_OK);
    const userns = usernsSlot === undefined ? 0 : fdOf(usernsSlot);
    setAttributes(code, openTarget(code, { path: target, root }), recursive, [
      set,
      clear,
      propagation,
      userns,
    ]);
  },
  umount: (code, { target, flags, missingOk }) => {
    const result = code.call("umount2", [code.text(target), flags], { looks: missingOk === true });
    // EINVAL: not mounted
    if (missingOk === true)
      unlessMissing(code, { label: "umount2", result, missing: [EINVAL] }, () => undefined);
  },
  pivotRoot: (code, { newRoot }) => {
    const here = code.text(".");
    code.call("chdir", [code.text(newRoot)]);
    code.call("pivot_root", [here, here]);
    code.call("umount2", [here, MNT_DETACH]);
    code.call("chdir", [code.text("/")]);
  },
  maskPath,
  readonlyPath,
} satisfies Partial<Compilers>;
