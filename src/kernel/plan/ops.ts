// The vocabulary of plans: one variant per thing that the kernel is asked for. A plan is a flat list, run in order by one process, stopped at the
// first failure. On the way to native/ each operation becomes a few steps, nearly all of them system calls: steps/compile-op.ts.
//
//   why    the reason the operation is there ("mounts[3] /data"); it heads the error message of a failure.
//   host   run by the shim on behalf of the child, in the shim's own namespaces, while the child waits. Strings of
//          host operations may contain $PID, replaced by the child's process id as the shim sees it.
//   root   slot of a directory fd: `path`/`target` is then resolved below it with openat2(RESOLVE_IN_ROOT|NO_MAGICLINKS),
//          so that no symlink of an image leads outside. Without it the path is a host path.
//   slot   a small number (0..127) that names an fd held by the executing process; the fd of slot n is always SLOT_BASE + n,
//          so netlink messages can carry it. Slots survive `clone` and are closed before `exec`.
//   missingOk  ENOENT and ENOTDIR are success: there is no such target.
//   mayFail    any failure of the operation is success (best effort: a working directory that cannot be made).

export const SLOT_BASE = 64;

interface Common {
  readonly why: string;
  readonly host?: boolean;
  readonly mayFail?: boolean;
}

export interface FileTimes {
  readonly sec: number;
  readonly nsec: number;
}

export type OpBody =
  // -- processes and namespaces
  /** clone3: the child goes on with the plan, the parent leaves it to the shim. `intoCgroupSlot`: CLONE_INTO_CGROUP (v2). */
  | { readonly op: "clone"; readonly flags: number; readonly intoCgroupSlot?: number }
  | { readonly op: "unshare"; readonly flags: number }
  | { readonly op: "setns"; readonly path?: string; readonly slot?: number; readonly flags: number }
  /** pidfd_open(pid) into a slot, for setns of several namespaces at once. */
  | { readonly op: "pidfd"; readonly pid: number; readonly slot: number }
  /** Reports "created" to the shim and waits until the task is started (create/start split of OCI). */
  | { readonly op: "awaitStart" }
  /** Waits for a byte from a slot: a FIFO whose other end whoever starts the container opens. */
  | { readonly op: "awaitByte"; readonly slot: number }
  /** Fails as `exec` would if none of the candidates is a program, before anything depends on it. */
  | { readonly op: "findProgram"; readonly candidates: readonly string[] }
  | { readonly op: "setsid" }
  /** Tries `candidates` in order, going on at ENOENT/ENOTDIR/EACCES (EACCES wins over ENOENT as the result). */
  | {
      readonly op: "exec";
      readonly candidates: readonly string[];
      readonly argv: readonly string[];
      readonly env: readonly string[];
    }
  /** Runs a program to its end (hooks, helpers); a failure tells what it said. Its standard input is the parts of `stdin` with the
   *  child's pid between them; argument `pidArg` of a host operation is that pid, too. `timeoutMs` 0 is none. `tied`: it is killed if
   *  who runs it ends before. */
  | {
      readonly op: "spawn";
      readonly path: string;
      readonly argv: readonly string[];
      readonly env: readonly string[];
      readonly stdin: readonly string[];
      readonly timeoutMs: number;
      readonly cwd?: string;
      readonly pidArg?: number;
      readonly tied?: boolean;
    }
  /** The process whose pid the file holds, a child or one that will be the shim's, goes on in place of this one, which ends. */
  | { readonly op: "handOver"; readonly path: string }
  // -- file descriptors
  | {
      readonly op: "open";
      readonly path: string;
      readonly root?: number;
      readonly flags: number;
      readonly mode?: number;
      readonly slot: number;
    }
  | { readonly op: "close"; readonly slot: number }
  /** All that the standard input gives, up to 1 MiB, is the result. */
  | { readonly op: "readInput" }
  /** dup2(slot, fd): standard streams. */
  | { readonly op: "dupTo"; readonly slot: number; readonly fd: number }
  /** Marks every fd from `first` on close-on-exec (close_range). */
  | { readonly op: "cloexecFrom"; readonly first: number }
  /** Opens a new pty of the devpts below `root` (its pts/ptmx), slave by TIOCGPTPEER. */
  | { readonly op: "openPty"; readonly root: number; readonly master: number; readonly slave: number }
  /** Sends an fd to the shim over the sync socket: the pty master. `kept`: the client of a command keeps it in its own slot of that
   *  number, for a passFd that is `sent`. */
  | { readonly op: "sendFd"; readonly slot: number; readonly kept?: boolean }
  /** Host: a copy of the fd in the child's slot goes to the unix socket `path` with SCM_RIGHTS; the message is the parts with the
   *  child's pid between them. Nothing waits for whoever listens there. Without a slot it is a pidfd of the child. `sent`: the child
   *  has sent the fd, because nobody may take it. */
  | {
      readonly op: "passFd";
      readonly path: string;
      readonly slot?: number;
      readonly sent?: boolean;
      readonly parts: readonly string[];
    }
  /** Binds a datagram socket at `path` for a service that says there when it is ready (sd_notify(3)), and leaves a process behind,
   *  whose pid is the result: it passes that on to the socket `to`, as that of `main` unless that is 0, and ends then or with `pid`. */
  | {
      readonly op: "relayReadiness";
      readonly path: string;
      readonly to: string;
      readonly pid: number;
      readonly main: number;
    }
  /** TIOCSCTTY on the slave. Needs setsid before. */
  | { readonly op: "controllingTty"; readonly slot: number }
  | { readonly op: "windowSize"; readonly slot: number; readonly rows: number; readonly cols: number }
  /** Gives the standard streams that are pipes or terminals to the user, so that /dev/stdout can be opened again. */
  | { readonly op: "chownStdio"; readonly uid: number; readonly gid: number }
  // -- mounts
  /** mount(2) of a file system. `cwd`: directory for relative paths in `data` (overlay lowerdir lists). */
  | {
      readonly op: "mount";
      readonly fstype: string;
      readonly source: string;
      readonly target: string;
      readonly root?: number;
      readonly flags: number;
      readonly data: string;
      readonly cwd?: string;
    }
  /** A file system of its own into a slot, to be attached: fsopen, fsconfig with each key (and its value unless that is ""), fsmount with
   *  MOUNT_ATTR_*. A value has at most 255 bytes. */
  | {
      readonly op: "newMount";
      readonly fstype: string;
      readonly keys: readonly string[];
      readonly values: readonly string[];
      readonly attributes: number;
      readonly slot: number;
    }
  /** open_tree(OPEN_TREE_CLONE) of `source` (host path) or `sourceSlot`, move_mount onto the target. */
  | {
      readonly op: "bind";
      readonly source?: string;
      readonly sourceSlot?: number;
      readonly target: string;
      readonly root?: number;
      readonly recursive: boolean;
      /** A missing target is made: a directory (0755, parents too) or an empty file, as the source is. */
      readonly createTarget?: boolean;
    }
  /** open_tree(OPEN_TREE_CLONE) into a slot: a detached copy, to be attached later in another namespace or with its peer group kept. */
  | {
      readonly op: "openTree";
      readonly source: string;
      readonly slot: number;
      readonly recursive: boolean;
    }
  /** move_mount of a detached tree; the slot stays open. `keepMode`: the tree's root gets the mode of the directory that it covers, if that was there. */
  | {
      readonly op: "attachTree";
      readonly slot: number;
      readonly target: string;
      readonly root?: number;
      readonly createTarget?: boolean;
      readonly keepMode?: boolean;
    }
  /** move_mount of what is mounted at a path. */
  | { readonly op: "moveMount"; readonly source: string; readonly target: string }
  /** A user namespace with these maps and no process in it, into a slot: for the mounts that `mountAttr` maps by it. `networkSlot`: a
   *  network namespace that it owns. */
  | {
      readonly op: "userNamespace";
      readonly uidMap: Uint8Array;
      readonly gidMap: Uint8Array;
      readonly slot: number;
      readonly networkSlot?: number;
    }
  /** A network namespace with no process in it, into a slot, owned by the user namespace in another. */
  | { readonly op: "ownedNetwork"; readonly userSlot: number; readonly slot: number }
  /** mount_setattr of `target`, or of the slot `root` itself if that is "" (a detached tree): MOUNT_ATTR_* to set and clear, propagation MS_* or 0, `usernsSlot` for idmapped mounts. */
  | {
      readonly op: "mountAttr";
      readonly target: string;
      readonly root?: number;
      readonly set: number;
      readonly clear: number;
      readonly propagation: number;
      readonly recursive: boolean;
      readonly usernsSlot?: number;
      readonly missingOk?: boolean;
    }
  /** With `missingOk`, what is not mounted is success too. */
  | { readonly op: "umount"; readonly target: string; readonly flags: number; readonly missingOk?: boolean }
  /** chdir(newRoot); pivot_root(".", "."); umount2(".", MNT_DETACH); chdir("/"). */
  | { readonly op: "pivotRoot"; readonly newRoot: string }
  /** A chdir to "/" comes next. */
  | { readonly op: "chroot"; readonly path: string }
  /** A file is covered by /dev/null (checked to be char 1:3), a directory by an empty read-only tmpfs; absent is success. */
  | { readonly op: "maskPath"; readonly path: string; readonly root: number }
  /** Bind onto itself, then read-only, keeping locked flags; absent is success. */
  | { readonly op: "readonlyPath"; readonly path: string; readonly root: number }
  // -- files
  /** mkdir of the last component, or of all missing ones with `parents`; existing directories are success. */
  | {
      readonly op: "mkdir";
      readonly path: string;
      readonly root?: number;
      readonly mode: number;
      readonly parents?: boolean;
    }
  /** A new directory with these attributes, but xattrs. */
  | { readonly op: "makeDir"; readonly path: string; readonly attributes: Attributes }
  /** An empty regular file if nothing is there (mount target of a file bind). */
  | { readonly op: "touch"; readonly path: string; readonly root?: number; readonly mode: number }
  /** open + write + close. `fsMagic`: f_type that fstatfs must report (procfs, sysfs, cgroup), else EXDEV. */
  | {
      readonly op: "write";
      readonly path: string;
      readonly root?: number;
      readonly flags: number;
      readonly mode?: number;
      readonly data: Uint8Array;
      readonly fsMagic?: number;
      readonly missingOk?: boolean;
    }
  /** Copies the content (at most 4 KiB) of `from` to `to` if that is blank: cpuset of cgroup v1, whose children start empty. */
  | { readonly op: "inheritFile"; readonly from: string; readonly to: string }
  /** Loads a BPF_PROG_TYPE_CGROUP_DEVICE program (array of struct bpf_insn, little endian, licence "Apache-2.0") and attaches it to the
   *  cgroup v2 directory with BPF_F_ALLOW_MULTI, then detaches every other device program of that directory. */
  | { readonly op: "bpfDevice"; readonly path: string; readonly program: Uint8Array }
  /** Returns the file's bytes (at most 1 MiB) as the operation's result. */
  | { readonly op: "read"; readonly path: string; readonly root?: number; readonly missingOk?: boolean }
  | {
      readonly op: "symlink";
      readonly target: string;
      readonly path: string;
      readonly root?: number;
      readonly existsOk?: boolean;
    }
  /** What is there already is success if it is the same device. */
  | {
      readonly op: "mknod";
      readonly path: string;
      readonly root?: number;
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
      readonly uid: number;
      readonly gid: number;
    }
  | { readonly op: "unlink"; readonly path: string; readonly missingOk?: boolean }
  | { readonly op: "rmdir"; readonly path: string; readonly missingOk?: boolean }
  /** Recursive removal that never follows symlinks and never crosses a mount. */
  | { readonly op: "removeTree"; readonly path: string; readonly root?: number; readonly missingOk?: boolean }
  /** Removes everything in a directory and keeps that. */
  | { readonly op: "clearDir"; readonly slot: number }
  /** Copies what is in one directory slot into another, and its own owner, mode and times: contents, links, special files, xattrs.
   *  Follows no symlink, crosses no mount. `contentOnly`: the directory itself stays as it is. */
  | { readonly op: "copyTree"; readonly from: number; readonly to: number; readonly contentOnly?: boolean }
  /** The directory, and what is made in it, counts for a project, whose limit is set: `bytes` 0 is none. ESRCH, ENOSYS, EOPNOTSUPP or
   *  ENOTTY: its file system keeps no such quotas. */
  | { readonly op: "projectQuota"; readonly path: string; readonly project: number; readonly bytes: number }
  // -- process attributes, in the order the kernel wants them
  /** chdir, then getcwd must be absolute (not "(unreachable)…"), else ENOENT. */
  | { readonly op: "chdir"; readonly path: string }
  | { readonly op: "umask"; readonly mask: number }
  | { readonly op: "sethostname"; readonly name: string }
  | { readonly op: "setdomainname"; readonly name: string }
  | { readonly op: "rlimit"; readonly resource: number; readonly soft: bigint; readonly hard: bigint }
  | { readonly op: "setgroups"; readonly gids: readonly number[] }
  | { readonly op: "setgid"; readonly gid: number }
  | { readonly op: "setuid"; readonly uid: number }
  /** Drops from the bounding set every capability that is not in the mask. */
  | { readonly op: "capBounding"; readonly mask: bigint }
  | {
      readonly op: "capset";
      readonly effective: bigint;
      readonly permitted: bigint;
      readonly inheritable: bigint;
    }
  | { readonly op: "capAmbient"; readonly mask: bigint }
  | { readonly op: "prctl"; readonly option: number; readonly args: readonly number[] }
  | { readonly op: "personality"; readonly persona: number }
  /** struct sched_attr of `size` bytes. */
  | {
      readonly op: "schedSetattr";
      readonly size: number;
      readonly policy: number;
      readonly flags: number;
      readonly nice: number;
      readonly priority: number;
      readonly runtime: bigint;
      readonly deadline: bigint;
      readonly period: bigint;
    }
  | { readonly op: "schedSetaffinity"; readonly mask: Uint8Array }
  | { readonly op: "ioprioSet"; readonly value: number }
  | {
      readonly op: "setMempolicy";
      readonly mode: number;
      readonly nodes: Uint8Array;
      readonly maxNode: number;
    }
  | { readonly op: "joinSessionKeyring"; readonly name: string }
  /** seccomp(SECCOMP_SET_MODE_FILTER): `filter` is an array of struct sock_filter, little endian. `listenerSlot` is free and takes
   *  the fd that SECCOMP_FILTER_FLAG_NEW_LISTENER makes, without another system call: the filter might not let it through. */
  | {
      readonly op: "seccomp";
      readonly filter: Uint8Array;
      readonly flags: number;
      readonly listenerSlot?: number;
    }
  // -- network
  /** Sends the messages (each with NLM_F_ACK or a dump) on a fresh netlink socket and collects the replies as the result.
   *  nftables: one batch. `ignoreErrno`: errnos of an ACK that count as success. */
  | {
      readonly op: "netlink";
      readonly protocol: number;
      readonly messages: readonly Uint8Array[];
      readonly ignoreErrno?: readonly number[];
      /** Host: where the child's pid (u32) goes in the first message; 0 is nowhere. */
      readonly pidAt?: number;
    }
  /** Sends a message (RTM_DELLINK, NLM_F_ECHO) that removes a network interface, and goes on when it is gone. The call itself comes back a grace
   *  period of RCU later, 10 to 30 ms: a process that is left behind makes it. An interface that is not there is success. */
  | { readonly op: "removeLink"; readonly message: Uint8Array }
  /** A socket of the network namespace that the process is in, into a slot: bound to the address (struct sockaddr_in or sockaddr_in6), and
   *  listening if it is a listener; a connection is made to the address, which may take 4 s. */
  | {
      readonly op: "inetSocket";
      readonly kind: "datagrams" | "listener" | "connection";
      readonly address: Uint8Array;
      readonly slot: number;
    }
  /** Gives the daemon whose zygote runs the plan a copy of the fd, along with a line of text (zygote/passed-sockets.ts). */
  | { readonly op: "giveSocket"; readonly slot: number; readonly text: string }
  /** A netlink socket into a slot, on which the kernel sends what it tells the group. */
  | {
      readonly op: "subscribe";
      readonly protocol: number;
      readonly group: number;
      readonly slot: number;
    }
  /** Waits until another program than this one has changed rules of nftables, as the subscription tells that the process `pid` has in the
   *  slot; or until that process ends. What was told before is taken with it. */
  | { readonly op: "awaitRuleChange"; readonly pid: number; readonly slot: number };

export interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: FileTimes;
  readonly xattrs: readonly { readonly name: string; readonly value: Uint8Array }[];
}

export type Op = Common & OpBody;
export type Plan = readonly Op[];
