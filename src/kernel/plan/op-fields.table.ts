// The wire layout of every operation: fields in order. The position in the table is the operation's number.
// tools/gen-ops.ts writes native/ops.gen.[ch] from it.

import type { BodyOf, FieldOf, OpName } from "./field-kinds.ts";

export const opFields = {
  // processes and namespaces
  clone: [
    ["flags", "u64"],
    ["intoCgroupSlot", "optSlot"],
  ],
  unshare: [["flags", "u32"]],
  setns: [
    ["path", "optStr"],
    ["slot", "optSlot"],
    ["flags", "u32"],
  ],
  pidfd: [
    ["pid", "u32"],
    ["slot", "slot"],
  ],
  awaitStart: [],
  awaitByte: [["slot", "slot"]],
  findProgram: [["candidates", "strs"]],
  setsid: [],
  exec: [
    ["candidates", "strs"],
    ["argv", "strs"],
    ["env", "strs"],
  ],
  spawn: [
    ["path", "str"],
    ["argv", "strs"],
    ["env", "strs"],
    ["stdin", "strs"],
    ["timeoutMs", "u32"],
    ["cwd", "optStr"],
    ["pidArg", "u32"],
  ],
  // file descriptors
  open: [
    ["path", "str"],
    ["root", "optSlot"],
    ["flags", "u32"],
    ["mode", "u32"],
    ["slot", "slot"],
  ],
  close: [["slot", "slot"]],
  dupTo: [
    ["slot", "slot"],
    ["fd", "u32"],
  ],
  cloexecFrom: [["first", "u32"]],
  openPty: [
    ["root", "slot"],
    ["master", "slot"],
    ["slave", "slot"],
  ],
  sendFd: [
    ["slot", "slot"],
    ["kept", "bool"],
  ],
  passFd: [
    ["path", "str"],
    ["slot", "optSlot"],
    ["sent", "bool"],
    ["parts", "strs"],
  ],
  relayReadiness: [
    ["path", "str"],
    ["to", "str"],
    ["pid", "u32"],
    ["main", "u32"],
  ],
  controllingTty: [["slot", "slot"]],
  windowSize: [
    ["slot", "slot"],
    ["rows", "u32"],
    ["cols", "u32"],
  ],
  chownStdio: [
    ["uid", "u32"],
    ["gid", "u32"],
  ],
  // mounts
  mount: [
    ["fstype", "str"],
    ["source", "str"],
    ["target", "str"],
    ["root", "optSlot"],
    ["flags", "u64"],
    ["data", "str"],
    ["cwd", "optStr"],
  ],
  newMount: [
    ["fstype", "str"],
    ["keys", "strs"],
    ["values", "strs"],
    ["attributes", "u32"],
    ["slot", "slot"],
  ],
  bind: [
    ["source", "optStr"],
    ["sourceSlot", "optSlot"],
    ["target", "str"],
    ["root", "optSlot"],
    ["recursive", "bool"],
    ["createTarget", "bool"],
  ],
  openTree: [
    ["source", "str"],
    ["slot", "slot"],
    ["recursive", "bool"],
  ],
  attachTree: [
    ["slot", "slot"],
    ["target", "str"],
    ["root", "optSlot"],
    ["createTarget", "bool"],
    ["keepMode", "bool"],
  ],
  moveMount: [
    ["source", "str"],
    ["target", "str"],
  ],
  userNamespace: [
    ["uidMap", "bytes"],
    ["gidMap", "bytes"],
    ["slot", "slot"],
  ],
  mountAttr: [
    ["target", "str"],
    ["root", "optSlot"],
    ["set", "u64"],
    ["clear", "u64"],
    ["propagation", "u64"],
    ["recursive", "bool"],
    ["usernsSlot", "optSlot"],
    ["missingOk", "bool"],
  ],
  umount: [
    ["target", "str"],
    ["flags", "u32"],
    ["missingOk", "bool"],
  ],
  pivotRoot: [["newRoot", "str"]],
  chroot: [["path", "str"]],
  maskPath: [
    ["path", "str"],
    ["root", "slot"],
  ],
  readonlyPath: [
    ["path", "str"],
    ["root", "slot"],
  ],
  // files
  mkdir: [
    ["path", "str"],
    ["root", "optSlot"],
    ["mode", "u32"],
    ["parents", "bool"],
  ],
  touch: [
    ["path", "str"],
    ["root", "optSlot"],
    ["mode", "u32"],
  ],
  write: [
    ["path", "str"],
    ["root", "optSlot"],
    ["flags", "u32"],
    ["mode", "u32"],
    ["data", "bytes"],
    ["fsMagic", "u32"],
    ["missingOk", "bool"],
  ],
  inheritFile: [
    ["from", "str"],
    ["to", "str"],
  ],
  bpfDevice: [
    ["path", "str"],
    ["program", "bytes"],
  ],
  read: [
    ["path", "str"],
    ["root", "optSlot"],
    ["missingOk", "bool"],
  ],
  symlink: [
    ["target", "str"],
    ["path", "str"],
    ["root", "optSlot"],
    ["existsOk", "bool"],
  ],
  mknod: [
    ["path", "str"],
    ["root", "optSlot"],
    ["mode", "u32"],
    ["major", "u32"],
    ["minor", "u32"],
    ["uid", "u32"],
    ["gid", "u32"],
  ],
  unlink: [
    ["path", "str"],
    ["missingOk", "bool"],
  ],
  rmdir: [
    ["path", "str"],
    ["missingOk", "bool"],
  ],
  removeTree: [
    ["path", "str"],
    ["root", "optSlot"],
    ["missingOk", "bool"],
  ],
  copyTree: [
    ["from", "slot"],
    ["to", "slot"],
    ["contentOnly", "bool"],
  ],
  // process attributes
  chdir: [["path", "str"]],
  umask: [["mask", "u32"]],
  sethostname: [["name", "str"]],
  setdomainname: [["name", "str"]],
  rlimit: [
    ["resource", "u32"],
    ["soft", "u64"],
    ["hard", "u64"],
  ],
  setgroups: [["gids", "numbers"]],
  setgid: [["gid", "u32"]],
  setuid: [["uid", "u32"]],
  capBounding: [["mask", "u64"]],
  capset: [
    ["effective", "u64"],
    ["permitted", "u64"],
    ["inheritable", "u64"],
  ],
  capAmbient: [["mask", "u64"]],
  prctl: [
    ["option", "u32"],
    ["args", "numbers"],
  ],
  personality: [["persona", "u32"]],
  schedSetattr: [
    ["size", "u32"],
    ["policy", "u32"],
    ["flags", "u64"],
    ["nice", "i32"],
    ["priority", "u32"],
    ["runtime", "u64"],
    ["deadline", "u64"],
    ["period", "u64"],
  ],
  schedSetaffinity: [["mask", "bytes"]],
  ioprioSet: [["value", "u32"]],
  setMempolicy: [
    ["mode", "u32"],
    ["nodes", "bytes"],
    ["maxNode", "u32"],
  ],
  joinSessionKeyring: [["name", "str"]],
  seccomp: [
    ["filter", "bytes"],
    ["flags", "u32"],
    ["listenerSlot", "optSlot"],
  ],
  // network
  netlink: [
    ["protocol", "u32"],
    ["messages", "blobs"],
    ["ignoreErrno", "numbers"],
    ["pidAt", "u32"],
  ],
  // archives
  makeFile: [
    ["root", "slot"],
    ["path", "str"],
    ["attributes", "attributes"],
    ["size", "u64"],
  ],
  fileData: [["data", "bytes"]],
  makeDir: [
    ["root", "slot"],
    ["path", "str"],
    ["attributes", "attributes"],
  ],
  makeSymlink: [
    ["root", "slot"],
    ["path", "str"],
    ["target", "str"],
    ["attributes", "attributes"],
  ],
  makeHardlink: [
    ["root", "slot"],
    ["path", "str"],
    ["target", "str"],
  ],
  makeNode: [
    ["root", "slot"],
    ["path", "str"],
    ["attributes", "attributes"],
    ["major", "u32"],
    ["minor", "u32"],
  ],
  clearDir: [
    ["root", "slot"],
    ["path", "str"],
  ],
  setTimes: [
    ["root", "slot"],
    ["path", "str"],
    ["mtime", "times"],
  ],
  // trees
  checkKind: [
    ["root", "slot"],
    ["path", "str"],
    ["directory", "bool"],
  ],
  stat: [
    ["root", "slot"],
    ["path", "str"],
    ["missingOk", "bool"],
  ],
  readTree: [
    ["root", "slot"],
    ["path", "str"],
    ["content", "bool"],
  ],
} as const satisfies { readonly [K in OpName]: readonly FieldOf<BodyOf<K>>[] };

type Missing = {
  [K in OpName]: Exclude<keyof BodyOf<K>, "op" | (typeof opFields)[K][number][0]>;
}[OpName];
/** Does not compile when an operation has a field that the table lacks. */
true satisfies [Missing] extends [never] ? true : Missing;
