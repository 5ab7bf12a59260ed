// An operation as the system calls it makes, for people: `mount("proc", rootfs:"/proc", "proc", MS_NOSUID, "")`.

import { claimed } from "#base/decode.ts";
import { formatSocketAddress } from "#formats/socket-address.ts";
import {
  CAPABILITIES,
  CLONE_FLAGS,
  MOUNT_ATTRIBUTES,
  MOUNT_FLAGS,
  NETLINK_PROTOCOLS,
  OPEN_FLAGS,
  PRCTLS,
  RESOURCES,
  UMOUNT_FLAGS,
} from "./flag-names.table.ts";
import type { Op, OpBody } from "./ops.ts";

type Describers = { readonly [K in OpBody["op"]]: (op: Extract<OpBody, { readonly op: K }>) => string };

/** "MS_NOSUID|MS_NODEV"; bits without a name in hexadecimal; "0" for none. */
function flagNames(value: number, names: Readonly<Record<number, string>>): string {
  let rest = value >>> 0;
  const found: string[] = [];
  for (const [bit, name] of Object.entries(names)) {
    const mask = Number(bit) >>> 0;
    if ((rest & mask) >>> 0 !== mask) continue;
    rest = (rest & ~mask) >>> 0;
    found.push(name);
  }
  if (rest !== 0) found.push(`0x${rest.toString(16)}`);
  return found.length === 0 ? "0" : found.join("|");
}

function capabilityNames(mask: bigint): string {
  const names = CAPABILITIES.filter((_, bit) => (mask >> BigInt(bit)) & 1n);
  return names.length === 0 ? "none" : names.join("|");
}

function describeTaken({ slot: from, sent }: Extract<OpBody, { readonly op: "passFd" }>): string {
  if (from === undefined) return "pidfd_open(child)";
  return sent === true ? slot(from) : `pidfd_getfd(child, ${slot(from)})`;
}

const octal = (mode: number): string => `0${mode.toString(8)}`;
const quote = (text: string): string => JSON.stringify(text);
const slot = (number: number): string => `slot${number}`;
/** A path below a directory that is open, or of the host. */
const at = ({ path, root }: { readonly path: string; readonly root?: number }): string =>
  root === undefined ? quote(path) : `${slot(root)}:${quote(path)}`;
const targetOf = ({ target, root }: { readonly target: string; readonly root?: number }): string =>
  at({ path: target, ...(root === undefined ? {} : { root }) });
const count = (things: number, name: string): string => `${things} ${name}${things === 1 ? "" : "s"}`;

const TEXT_SHOWN = 64;
const isPrintable = (bytes: Uint8Array): boolean => bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
function content(bytes: Uint8Array): string {
  const line = bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes;
  if (line.length > TEXT_SHOWN || !isPrintable(line)) return count(bytes.length, "byte");
  return quote(Buffer.from(line).toString());
}

const processes = {
  clone: ({ flags }) => `clone3(${flagNames(flags, CLONE_FLAGS)})`,
  unshare: ({ flags }) => `unshare(${flagNames(flags, CLONE_FLAGS)})`,
  setns: ({ path, slot: from, flags }) =>
    `setns(${path === undefined ? slot(from ?? 0) : quote(path)}, ${flagNames(flags, CLONE_FLAGS)})`,
  pidfd: (op) => `pidfd_open(${op.pid}) as ${slot(op.slot)}`,
  awaitStart: () => "wait until the container is started",
  readInput: () => "read(0) to its end",
  awaitByte: ({ slot: from }) => `read(${slot(from)}, 1 byte)`,
  findProgram: ({ candidates }) => `access(${candidates.map(quote).join(" or ")}, X_OK)`,
  setsid: () => "setsid()",
  exec: ({ candidates, argv, env }) =>
    `execve(${candidates.map(quote).join(" or ")}, [${argv.map(quote).join(", ")}], ${count(env.length, "variable")})`,
  handOver: ({ path }) => `read(${quote(path)}), exit`,
  spawn: ({ path, argv }) => `fork, execve(${quote(path)}, [${argv.map(quote).join(", ")}]), wait`,
} satisfies Partial<Describers>;

const descriptors = {
  open: (op) => `open(${at(op)}, ${flagNames(op.flags, OPEN_FLAGS)}) as ${slot(op.slot)}`,
  close: (op) => `close(${slot(op.slot)})`,
  dupTo: (op) => `dup2(${slot(op.slot)}, ${op.fd})`,
  cloexecFrom: ({ first }) => `close_range(${first}, ~0, CLOSE_RANGE_CLOEXEC)`,
  openPty: ({ root, master, slave }) =>
    `open(${slot(root)}:"pts/ptmx") as ${slot(master)}, ioctl(TIOCGPTPEER) as ${slot(slave)}`,
  sendFd: (op) => `sendmsg(shim, SCM_RIGHTS ${slot(op.slot)})`,
  passFd: (op) => `${describeTaken(op)}, sendmsg(${quote(op.path)}, SCM_RIGHTS)`,
  relayReadiness: (op) => `relay READY=1 of process ${op.pid} from ${quote(op.path)} to ${quote(op.to)}`,
  controllingTty: (op) => `ioctl(${slot(op.slot)}, TIOCSCTTY)`,
  chownStdio: ({ uid, gid }) => `fchown(0 to 2, ${uid}, ${gid})`,
  windowSize: (op) => `ioctl(${slot(op.slot)}, TIOCSWINSZ, ${op.rows}x${op.cols})`,
} satisfies Partial<Describers>;

const mounts = {
  mount: (op) =>
    `mount(${quote(op.source)}, ${targetOf(op)}, ${quote(op.fstype)}, ${flagNames(op.flags, MOUNT_FLAGS)}, ${quote(op.data)})`,
  bind: (op) => {
    const source = op.source === undefined ? slot(op.sourceSlot ?? 0) : quote(op.source);
    return `open_tree(${source}, OPEN_TREE_CLONE${op.recursive ? "|AT_RECURSIVE" : ""}), move_mount(${targetOf(op)})`;
  },
  openTree: (op) =>
    `open_tree(${quote(op.source)}, OPEN_TREE_CLONE${op.recursive ? "|AT_RECURSIVE" : ""}) as ${slot(op.slot)}`,
  newMount: (op) => {
    const options = op.keys.map((key, index) => (op.values[index] ? `${key}=${op.values[index]}` : key));
    return `fsopen(${quote(op.fstype)}), fsconfig(${quote(options.join(","))}), fsmount(${flagNames(op.attributes, MOUNT_ATTRIBUTES)}) as ${slot(op.slot)}`;
  },
  moveMount: ({ source, target }) => `move_mount(${quote(source)}, ${quote(target)})`,
  userNamespace: (op) =>
    `clone3(CLONE_NEWUSER${op.networkSlot === undefined ? "" : "|CLONE_NEWNET"}), write(uid_map, ${content(op.uidMap)}), write(gid_map, ${content(op.gidMap)}), open("ns/user") as ${slot(op.slot)}${op.networkSlot === undefined ? "" : `, open("ns/net") as ${slot(op.networkSlot)}`}`,
  ownedNetwork: (op) =>
    `fork, setns(${slot(op.userSlot)}, CLONE_NEWUSER), unshare(CLONE_NEWNET), open("ns/net") as ${slot(op.slot)}`,
  attachTree: (op) => `move_mount(${slot(op.slot)}, ${targetOf(op)})`,
  mountAttr: (op) => {
    const propagation = op.propagation === 0 ? "" : `, ${flagNames(op.propagation, MOUNT_FLAGS)}`;
    const [set, clear] = [flagNames(op.set, MOUNT_ATTRIBUTES), flagNames(op.clear, MOUNT_ATTRIBUTES)];
    return `mount_setattr(${targetOf(op)}, ${op.recursive ? "AT_RECURSIVE" : "0"}, set ${set}, clear ${clear}${propagation})`;
  },
  umount: ({ target, flags }) => `umount2(${quote(target)}, ${flagNames(flags, UMOUNT_FLAGS)})`,
  pivotRoot: ({ newRoot }) =>
    `chdir(${quote(newRoot)}), pivot_root(".", "."), umount2(".", MNT_DETACH), chdir("/")`,
  chroot: ({ path }) => `chroot(${quote(path)})`,
  maskPath: (op) => `mount("/dev/null" or an empty tmpfs, ${at(op)}, MS_BIND|MS_RDONLY)`,
  readonlyPath: (op) => `mount(${at(op)}, ${at(op)}, MS_BIND|MS_REC), mount_setattr(MOUNT_ATTR_RDONLY)`,
} satisfies Partial<Describers>;

const files = {
  mkdir: (op) => `mkdir(${at(op)}, ${octal(op.mode)})`,
  makeDir: (op) => `mkdir(${at(op)}, ${octal(op.attributes.mode)})`,
  touch: (op) => `open(${at(op)}, O_CREAT, ${octal(op.mode)})`,
  write: (op) => `write(${at(op)}, ${content(op.data)})`,
  inheritFile: ({ from, to }) => `read(${quote(from)}), write(${quote(to)}) if it is blank`,
  bpfDevice: ({ path, program }) =>
    `bpf(BPF_PROG_LOAD, ${count(program.length / 8, "instruction")}), bpf(BPF_PROG_ATTACH, ${quote(path)}, BPF_CGROUP_DEVICE)`,
  read: (op) => `read(${at(op)})`,
  symlink: (op) => `symlink(${quote(op.target)}, ${at(op)})`,
  mknod: (op) => `mknod(${at(op)}, ${octal(op.mode)}, ${op.major}:${op.minor})`,
  unlink: ({ path }) => `unlink(${quote(path)})`,
  rmdir: ({ path }) => `rmdir(${quote(path)})`,
  removeTree: (op) => `remove ${at(op)} and all below`,
  clearDir: (op) => `remove all that is in ${slot(op.slot)}`,
  copyTree: ({ from, to }) => `copy what is in ${slot(from)} to ${slot(to)}`,
  projectQuota: ({ path, project, bytes }) =>
    `quotactl_fd(${quote(path)}, Q_SETQUOTA, ${project}: ${bytes} bytes), ioctl(FS_IOC_FSSETXATTR)`,
  chdir: ({ path }) => `chdir(${quote(path)})`,
} satisfies Partial<Describers>;

const describeSocket = ({
  kind,
  address,
  slot: to,
}: Extract<OpBody, { readonly op: "inetSocket" }>): string => {
  const made = {
    datagrams: "socket(SOCK_DGRAM), bind",
    listener: "socket(SOCK_STREAM), bind, listen",
    connection: "socket(SOCK_STREAM), connect",
  };
  return `${made[kind]}(${formatSocketAddress(address)}) as ${slot(to)}`;
};

const sockets = {
  netlink: ({ protocol, messages }) =>
    `sendmsg(${NETLINK_PROTOCOLS[protocol] ?? `netlink ${protocol}`}, ${count(messages.length, "message")})`,
  removeLink: () => "sendmsg(NETLINK_ROUTE, RTM_DELLINK) by another process, until the interface is gone",
  inetSocket: describeSocket,
  giveSocket: (op) => `sendmsg(daemon, SCM_RIGHTS ${slot(op.slot)})`,
  subscribe: (op) =>
    `socket(${NETLINK_PROTOCOLS[op.protocol] ?? `netlink ${op.protocol}`}), setsockopt(NETLINK_ADD_MEMBERSHIP, ${op.group}) as ${slot(op.slot)}`,
  awaitRuleChange: (op) => `poll(${slot(op.slot)} of ${op.pid}) until rules are changed`,
} satisfies Partial<Describers>;

const attributes = {
  umask: ({ mask }) => `umask(${octal(mask)})`,
  sethostname: ({ name }) => `sethostname(${quote(name)})`,
  setdomainname: ({ name }) => `setdomainname(${quote(name)})`,
  rlimit: ({ resource, soft, hard }) =>
    `setrlimit(RLIMIT_${RESOURCES[resource] ?? resource}, ${soft}, ${hard})`,
  setgroups: ({ gids }) => `setgroups([${gids.join(", ")}])`,
  setgid: ({ gid }) => `setresgid(${gid}, ${gid}, ${gid})`,
  setuid: ({ uid }) => `setresuid(${uid}, ${uid}, ${uid})`,
  capBounding: ({ mask }) => `prctl(PR_CAPBSET_DROP, all but ${capabilityNames(mask)})`,
  capset: ({ effective, permitted, inheritable }) =>
    `capset(effective ${capabilityNames(effective)}, permitted ${permitted === effective ? "the same" : capabilityNames(permitted)}, inheritable ${capabilityNames(inheritable)})`,
  capAmbient: ({ mask }) => `prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, ${capabilityNames(mask)})`,
  prctl: ({ option, args }) => `prctl(${[PRCTLS[option] ?? String(option), ...args].join(", ")})`,
  schedSetattr: (op) =>
    `sched_setattr(policy ${op.policy}, flags 0x${op.flags.toString(16)}, nice ${op.nice}, priority ${op.priority}, ${op.runtime}/${op.deadline}/${op.period} ns)`,
  schedSetaffinity: ({ mask }) => `sched_setaffinity(0x${Buffer.from(mask).reverse().toString("hex")})`,
  ioprioSet: ({ value }) => `ioprio_set(class ${value >> 13}, ${value & 0x1fff})`,
  setMempolicy: ({ mode, nodes }) =>
    `set_mempolicy(0x${mode.toString(16)}, 0x${Buffer.from(nodes).reverse().toString("hex")})`,
  personality: ({ persona }) => `personality(0x${persona.toString(16)})`,
  joinSessionKeyring: ({ name }) => `keyctl(KEYCTL_JOIN_SESSION_KEYRING, ${quote(name)})`,
  seccomp: ({ filter, flags, listenerSlot }) =>
    `seccomp(SECCOMP_SET_MODE_FILTER, 0x${flags.toString(16)}, ${count(filter.length / 8, "instruction")})${listenerSlot === undefined ? "" : ` as ${slot(listenerSlot)}`}`,
} satisfies Partial<Describers>;

const describers: Describers = {
  ...processes,
  ...descriptors,
  ...mounts,
  ...files,
  ...attributes,
  ...sockets,
};

export const describeOp = (op: Op): string => claimed<(op: Op) => string>(describers[op.op])(op);
