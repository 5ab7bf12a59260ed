// The commands with their flags and what help says of them. Names, kinds and defaults are runc's.

/** What a flag takes. "values" may be given several times. */
export type FlagKind = "switch" | "value" | "values" | "integer" | "duration";

export interface FlagRow {
  readonly name: string;
  readonly alias?: string;
  readonly kind: FlagKind;
  readonly usage: string;
  readonly default?: string;
  /** Understood but not shown. */
  readonly hidden?: true;
  /** Known but not there: named when it is refused. */
  readonly refused?: true;
}

export interface CommandRow {
  readonly name: string;
  readonly usage: string;
  readonly argsUsage: string;
  readonly description?: string;
  readonly flags: readonly FlagRow[];
  readonly least: number;
  readonly most: number;
  /** The words after the first argument belong to another program: flags among them are not ours. */
  readonly keepsOrder?: true;
}

const bundle: FlagRow = {
  name: "bundle",
  alias: "b",
  kind: "value",
  usage: "folder of the bundle, else the current one",
};
const consoleSocket: FlagRow = {
  name: "console-socket",
  kind: "value",
  usage: "unix socket to which the master end of the terminal is sent",
};
const pidfdSocket: FlagRow = {
  name: "pidfd-socket",
  kind: "value",
  usage: "unix socket to which a pidfd of the process is sent",
};
const pidFile: FlagRow = { name: "pid-file", kind: "value", usage: "file to write the process id to" };
const preserveFds: FlagRow = {
  name: "preserve-fds",
  kind: "integer",
  usage: "number of descriptors passed on beyond the standard streams and $LISTEN_FDS",
  default: "0",
};
const noPivot: FlagRow = {
  name: "no-pivot",
  kind: "switch",
  usage: "move the root instead of pivoting into it, for root file systems on a ramdisk",
};
const noNewKeyring: FlagRow = {
  name: "no-new-keyring",
  kind: "switch",
  usage: "keep the caller's session keyring instead of making one for the container",
};
const detach: FlagRow = {
  name: "detach",
  alias: "d",
  kind: "switch",
  usage: "do not wait for the process",
};
const noSubreaper: FlagRow = {
  name: "no-subreaper",
  kind: "switch",
  usage: "do not adopt the orphans of the container's processes",
};
const making = [bundle, consoleSocket, pidfdSocket, pidFile, noPivot, noNewKeyring, preserveFds] as const;
const format: FlagRow = {
  name: "format",
  alias: "f",
  kind: "value",
  usage: "table or json",
  default: '"table"',
};

const snapshot = {
  workPath: { name: "work-path", kind: "value", usage: "folder for criu's logs and work files" },
  tcpEstablished: { name: "tcp-established", kind: "switch", usage: "allow open TCP connections" },
  extUnixSk: { name: "ext-unix-sk", kind: "switch", usage: "allow unix sockets whose other end is outside" },
  shellJob: { name: "shell-job", kind: "switch", usage: "allow a terminal and session from outside" },
  lazyPages: { name: "lazy-pages", kind: "switch", usage: "restore memory on demand by userfaultfd" },
  fileLocks: { name: "file-locks", kind: "switch", usage: "allow file locks" },
  cgroupsMode: {
    name: "manage-cgroups-mode",
    kind: "value",
    usage: "'soft' (default), 'full', 'strict' or 'ignore'",
  },
  emptyNs: {
    name: "empty-ns",
    kind: "values",
    usage: "namespace that is made anew without what was in it",
  },
  autoDedup: { name: "auto-dedup", kind: "switch", usage: "keep each memory page once among the images" },
} as const;

const byteLimit = (name: string, usage: string): FlagRow => ({ name, kind: "value", usage });
const container = 'The container is told by its id, "<container-id>".';
const one = { argsUsage: "<container-id>", least: 1, most: 1 } as const;

export const commands: readonly CommandRow[] = [
  {
    ...one,
    name: "checkpoint",
    usage: "save a running container with criu",
    description: `${container} Its processes are written to image files,\nfrom which restore makes it again, and end unless --leave-running is given.`,
    flags: [
      { name: "image-path", kind: "value", usage: "folder for the image files" },
      snapshot.workPath,
      { name: "parent-path", kind: "value", usage: "folder of the images of an earlier pre-dump" },
      { name: "leave-running", kind: "switch", usage: "let the container run on" },
      snapshot.tcpEstablished,
      snapshot.extUnixSk,
      snapshot.shellJob,
      snapshot.lazyPages,
      {
        name: "status-fd",
        kind: "integer",
        usage: "descriptor that gets a zero byte once lazy pages are served",
        default: "-1",
      },
      { name: "page-server", kind: "value", usage: "ADDRESS:PORT of the page server" },
      snapshot.fileLocks,
      { name: "pre-dump", kind: "switch", usage: "save the memory only and let the container run on" },
      snapshot.cgroupsMode,
      snapshot.emptyNs,
      snapshot.autoDedup,
    ],
  },
  {
    ...one,
    name: "create",
    usage: "make a container that waits for start",
    description:
      "A bundle is a folder with a config.json and a root file system. Everything of the\ncontainer is made; its program begins with start.",
    flags: making,
  },
  {
    ...one,
    name: "delete",
    usage: "remove what a container holds",
    description: `${container} It must have stopped.`,
    flags: [{ name: "force", alias: "f", kind: "switch", usage: "kill it first if it still runs" }],
  },
  {
    ...one,
    name: "events",
    usage: "show usage, and when memory ran out",
    description: `${container} One line of JSON for each event;\nthe usage every five seconds unless --interval says otherwise.`,
    flags: [
      { name: "interval", kind: "duration", usage: "time between two lines of usage", default: "5s" },
      { name: "stats", kind: "switch", usage: "show the usage once" },
    ],
  },
  {
    name: "exec",
    usage: "run another process in a container",
    argsUsage: "<container-id> <command> [command options]  || -p process.json <container-id>",
    description: "EXAMPLE:\n\n       # gantry-runc exec <container-id> ps",
    least: 1,
    most: Number.POSITIVE_INFINITY,
    keepsOrder: true,
    flags: [
      consoleSocket,
      pidfdSocket,
      { name: "cwd", kind: "value", usage: "folder in the container" },
      { name: "env", alias: "e", kind: "values", usage: "environment variable, NAME=VALUE" },
      { name: "tty", alias: "t", kind: "switch", usage: "give it a terminal" },
      { name: "user", alias: "u", kind: "value", usage: "<uid>[:<gid>]" },
      { name: "additional-gids", alias: "g", kind: "values", usage: "further group" },
      { name: "process", alias: "p", kind: "value", usage: "file with the process in JSON" },
      detach,
      pidFile,
      { name: "process-label", kind: "value", usage: "SELinux label" },
      { name: "apparmor", kind: "value", usage: "AppArmor profile" },
      { name: "no-new-privs", kind: "switch", usage: "forbid gaining privileges" },
      { name: "cap", alias: "c", kind: "values", usage: "further capability" },
      preserveFds,
      {
        name: "cgroup",
        kind: "values",
        usage: "existing cgroup below the container's, [<controller>:]<path>",
      },
      { name: "ignore-paused", kind: "switch", usage: "allow a paused container" },
    ],
  },
  {
    name: "kill",
    usage: "send a signal (default: SIGTERM) to a container's first process",
    argsUsage: "<container-id> [signal]",
    description: `${container} The signal is a name or a number.`,
    least: 1,
    most: 2,
    flags: [{ name: "all", alias: "a", kind: "switch", usage: "send it to every process of the container" }],
  },
  {
    name: "list",
    usage: "list the containers below --root",
    argsUsage: "",
    least: 0,
    most: 0,
    flags: [format, { name: "quiet", alias: "q", kind: "switch", usage: "show ids only" }],
  },
  {
    ...one,
    name: "pause",
    usage: "stop every process of a container where it is",
    description: `${container} Its processes go on with resume.`,
    flags: [],
  },
  {
    name: "ps",
    usage: "show the processes of a container",
    argsUsage: "<container-id> [ps options]",
    least: 1,
    most: Number.POSITIVE_INFINITY,
    keepsOrder: true,
    flags: [format],
  },
  {
    ...one,
    name: "restore",
    usage: "make a container from what checkpoint has saved",
    description: `${container} Its processes go on from where they were.`,
    flags: [
      { ...consoleSocket, refused: true },
      { name: "image-path", kind: "value", usage: "folder of the image files" },
      snapshot.workPath,
      snapshot.tcpEstablished,
      snapshot.extUnixSk,
      snapshot.shellJob,
      snapshot.fileLocks,
      snapshot.cgroupsMode,
      bundle,
      detach,
      pidFile,
      noSubreaper,
      { ...noPivot, refused: true },
      snapshot.emptyNs,
      snapshot.autoDedup,
      snapshot.lazyPages,
      { name: "lsm-profile", kind: "value", usage: "security profile for the processes, TYPE:NAME" },
      { name: "lsm-mount-context", kind: "value", usage: "security context for the mounts" },
    ],
  },
  {
    ...one,
    name: "resume",
    usage: "let the processes of a paused container go on",
    description: container,
    flags: [],
  },
  {
    ...one,
    name: "run",
    usage: "make a container and start it",
    description: "As create and start, then delete when the program has ended.",
    flags: [
      bundle,
      consoleSocket,
      pidfdSocket,
      detach,
      { name: "keep", kind: "switch", usage: "do not delete the container when it has ended" },
      pidFile,
      noSubreaper,
      noPivot,
      noNewKeyring,
      preserveFds,
    ],
  },
  {
    name: "spec",
    usage: "write a config.json to begin with",
    argsUsage: "[arguments...]",
    description:
      "Runs a shell in ./rootfs. What it may do is set narrowly: change process.args and\nwhat else the program needs. With --rootless, for users without privileges.",
    least: 0,
    most: 0,
    flags: [
      { ...bundle, usage: "folder to write it to" },
      { name: "rootless", kind: "switch", usage: "for a user without privileges" },
    ],
  },
  {
    ...one,
    name: "start",
    usage: "begin the program of a container that was made by create",
    description: container,
    flags: [],
  },
  {
    ...one,
    name: "state",
    usage: "show the state of a container",
    description: `${container} The state is JSON.`,
    flags: [],
  },
  {
    ...one,
    name: "update",
    usage: "change the limits of a container",
    flags: [
      {
        name: "resources",
        alias: "r",
        kind: "value",
        usage:
          "file with the new limits, or '-' for the standard input: \"linux.resources\" of a\nconfig.json, what is not named stays. All other flags are then passed over.\n",
      },
      { name: "blkio-weight", kind: "integer", usage: "weight of disk access, 10 to 1000", default: "0" },
      byteLimit("cpu-period", "CPU period (in usecs). 0 for the system's"),
      byteLimit("cpu-quota", "CPU time in a period (in usecs)"),
      byteLimit("cpu-burst", "CPU time that may be saved up (in usecs)"),
      byteLimit("cpu-share", "CPU weight against other containers"),
      byteLimit("cpu-rt-period", "CPU period of realtime processes (in usecs). 0 for the system's"),
      byteLimit("cpu-rt-runtime", "CPU time of realtime processes in a period (in usecs)"),
      byteLimit("cpuset-cpus", "CPUs to use"),
      byteLimit("cpuset-mems", "memory nodes to use"),
      { ...byteLimit("kernel-memory", "has no effect"), hidden: true },
      { ...byteLimit("kernel-memory-tcp", "has no effect"), hidden: true },
      byteLimit("memory", "memory (in bytes)"),
      byteLimit("memory-reservation", "memory that is kept when others need it (in bytes)"),
      byteLimit("memory-swap", "memory and swap together; '-1' for no limit"),
      { name: "pids-limit", kind: "integer", usage: "number of processes", default: "0" },
      byteLimit("l3-cache-schema", "Intel RDT/CAT L3 cache schema"),
      byteLimit("mem-bw-schema", "Intel RDT/MBA memory bandwidth schema"),
      byteLimit("cpu-idle", "1 to run only when nothing else does"),
    ],
  },
  {
    name: "features",
    usage: "show what this runtime can do",
    argsUsage: "[arguments...]",
    description: "The document of the OCI runtime specification's features.md, as JSON.",
    least: 0,
    most: 0,
    flags: [],
  },
  {
    name: "plan",
    usage: "show what making a container from a bundle would do",
    argsUsage: "<bundle>",
    description: "One operation a line. Needs no privileges and changes nothing.",
    least: 1,
    most: 1,
    flags: [
      { name: "format", alias: "f", kind: "value", usage: "'text' (default) or 'json'", default: '"text"' },
    ],
  },
];

export const globalFlags: readonly FlagRow[] = [
  { name: "debug", kind: "switch", usage: "log more" },
  { name: "log", kind: "value", usage: "file for the log (default is '/dev/stderr')" },
  { name: "log-format", kind: "value", usage: "'text' (default) or 'json'", default: '"text"' },
  {
    name: "root",
    kind: "value",
    usage: "folder of the containers' states (on a tmpfs)",
    default: '"/run/gantry-runc"',
  },
  { name: "criu", kind: "value", usage: "the criu that checkpoint and restore use", default: '"criu"' },
  {
    name: "systemd-cgroup",
    kind: "switch",
    usage: 'have systemd make the cgroups; cgroupsPath is then "slice:prefix:name"',
  },
  {
    name: "rootless",
    kind: "value",
    usage: "pass over what cgroups forbid ('true', 'false', or 'auto')",
    default: '"auto"',
  },
  { name: "help", alias: "h", kind: "switch", usage: "show help" },
  { name: "version", alias: "v", kind: "switch", usage: "print the version" },
];
