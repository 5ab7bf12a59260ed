// Operations that are one system call. tools/gen-ops.ts writes their C; every other operation has a handler `do_…` in native/.
//
//   call     the system call and its arguments: names of the operation's fields, or C. A slot is its fd; `&field` is the address of
//            that field and those behind it, for a struct of the kernel's with the same layout.
//   label    what a failure calls it, if that is not the system call's name.

import type { OpName } from "./field-kinds.ts";

interface SystemCall {
  readonly call: string;
  readonly label?: string;
}

export const opCalls: { readonly [K in OpName]?: SystemCall } = {
  unshare: { call: "unshare(flags)" },
  setsid: { call: "setsid()" },
  close: { call: "close(slot)" },
  dupTo: { call: "dup3(slot, fd, 0)", label: "dup2" },
  cloexecFrom: { call: "close_range(first, ~0U, CLOSE_RANGE_CLOEXEC)" },
  controllingTty: { call: "ioctl(slot, TIOCSCTTY, 0)", label: "ioctl(TIOCSCTTY)" },
  moveMount: { call: "move_mount(AT_FDCWD, source, AT_FDCWD, target, 0)" },
  chroot: { call: "chroot(path)" },
  unlink: { call: "unlinkat(AT_FDCWD, path, 0)", label: "unlink" },
  rmdir: { call: "unlinkat(AT_FDCWD, path, AT_REMOVEDIR)", label: "rmdir" },
  umask: { call: "umask(mask)" },
  sethostname: { call: "sethostname(name, strlen(name))" },
  setdomainname: { call: "setdomainname(name, strlen(name))" },
  rlimit: { call: "prlimit64(0, resource, &soft, NULL)", label: "setrlimit" },
  setgroups: { call: "setgroups(gids.count, gids.items.at)" },
  setgid: { call: "setresgid(gid, gid, gid)" },
  setuid: { call: "setresuid(uid, uid, uid)" },
  schedSetattr: { call: "sched_setattr(0, &size, 0)" },
  schedSetaffinity: { call: "sched_setaffinity(0, mask.size, mask.data)" },
  ioprioSet: { call: "ioprio_set(1, 0, value)" },
  setMempolicy: { call: "set_mempolicy(mode, nodes.data, max_node)" },
  personality: { call: "personality(persona)" },
  joinSessionKeyring: { call: "keyctl(KEYCTL_JOIN_SESSION_KEYRING, name, 0, 0, 0)" },
};
