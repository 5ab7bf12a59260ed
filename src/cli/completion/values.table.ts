// What may be written as an argument or as the value of a flag: fixed words, or names that the daemon knows.

/** Where names come from; "files" are the shell's to complete. */
export type Source =
  | "containers"
  | "running"
  | "stopped"
  | "images"
  | "volumes"
  | "networks"
  | "contexts"
  | "commands"
  | "environment"
  | "files"
  | "nothing";

/** Names of the daemon, words, or both. A word that ends with "=", ":" or "," is to be continued. */
export type Values = Source | readonly string[];

/** By the command's first name. The last goes for all further arguments. */
export const argumentValues: Readonly<Record<string, readonly Values[]>> = {
  "checkpoint create": ["running", "nothing"],
  "checkpoint ls": ["containers", "nothing"],
  "checkpoint rm": ["containers", "nothing"],
  "container attach": ["running", "nothing"],
  "container commit": ["containers", "nothing"],
  "container cp": ["containers", "containers"],
  "container create": ["images", "nothing"],
  "container diff": ["containers", "nothing"],
  "container exec": ["running", "nothing"],
  "container export": ["containers", "nothing"],
  "container inspect": ["containers"],
  "container kill": ["running"],
  "container logs": ["containers", "nothing"],
  "container pause": ["running"],
  "container port": ["running", "nothing"],
  "container rename": ["containers", "nothing"],
  "container restart": ["containers"],
  "container rm": ["containers"],
  "container run": ["images", "nothing"],
  "container start": ["stopped"],
  "container stats": ["running"],
  "container stop": ["running"],
  "container top": ["running", "nothing"],
  "container unpause": ["running"],
  "container update": ["containers"],
  "container wait": ["containers"],
  "context export": ["contexts", "files"],
  "context import": ["nothing", "files"],
  "context inspect": ["contexts"],
  "context rm": ["contexts"],
  "context update": ["contexts", "nothing"],
  "context use": ["contexts", "nothing"],
  "explain run": ["images", "nothing"],
  "image history": ["images", "nothing"],
  "image import": ["files", "nothing"],
  "image inspect": ["images"],
  "image ls": ["images", "nothing"],
  "image pull": ["images", "nothing"],
  "image rm": ["images"],
  "image save": ["images"],
  "image tag": ["images", "nothing"],
  inspect: ["containers"],
  help: ["commands"],
  "network connect": ["networks", "containers", "nothing"],
  "network disconnect": ["networks", "containers", "nothing"],
  "network inspect": ["networks"],
  "network rm": ["networks"],
  "volume clone": ["volumes", "nothing"],
  "volume export": ["volumes"],
  "volume import": ["volumes", "files"],
  "volume inspect": ["volumes"],
  "volume rm": ["volumes"],
};

const STATES = ["created", "dead", "exited", "paused", "removing", "restarting", "running"];
const BOOLEANS = ["true", "false"];
const SIGNALS =
  "ABRT ALRM BUS CHLD CONT FPE HUP ILL INT IO KILL PIPE PROF QUIT SEGV STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ".split(
    " ",
  );
const CAPABILITIES = [
  "ALL",
  ..."AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM"
    .split(" ")
    .map((name) => `CAP_${name}`),
];
const ULIMITS =
  "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(
    " ",
  );

const PLATFORMS = ["linux/386", "linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64"];
const LOG_DRIVERS = ["fluentd", "gelf", "journald", "json-file", "local", "none", "syslog"];

/** By the flag's name; a flag that is not here takes a text that nobody can foresee. */
export const flagValues: Readonly<Record<string, Values>> = {
  attach: ["stdin", "stdout", "stderr"],
  "cap-add": CAPABILITIES,
  "cap-drop": CAPABILITIES,
  cgroupns: ["host", "private"],
  cidfile: "files",
  config: "files",
  context: "contexts",
  device: "files",
  driver: ["bridge", "host", "none", "local"],
  env: "environment",
  "env-file": "files",
  format: ["json", "table"],
  from: "contexts",
  gpus: ["all"],
  host: ["unix://", "tcp://", "ssh://"],
  input: "files",
  ipc: ["container:", "host", "none", "private", "shareable"],
  "label-file": "files",
  link: "containers",
  "log-driver": LOG_DRIVERS,
  "log-level": ["debug", "info", "warn", "error", "fatal"],
  "log-opt": ["env=", "labels=", "max-buffer-size=", "max-file=", "max-size=", "mode=", "tag="],
  mount: ["type=bind,", "type=image,", "type=tmpfs,", "type=volume,"],
  network: "networks",
  output: "files",
  pid: ["container:", "host"],
  platform: PLATFORMS,
  pull: ["always", "missing", "never"],
  restart: ["always", "no", "on-failure", "on-failure:", "unless-stopped"],
  runtime: ["runc"],
  "security-opt": [
    "apparmor=",
    "label=",
    "no-new-privileges",
    "seccomp=",
    "seccomp=unconfined",
    "systempaths=unconfined",
  ],
  signal: SIGNALS,
  "stop-signal": SIGNALS,
  "storage-opt": ["size="],
  tlscacert: "files",
  tlscert: "files",
  tlskey: "files",
  type: ["container", "image", "network", "volume"],
  ulimit: ULIMITS.map((name) => `${name}=`),
  userns: ["host"],
  uts: ["host"],
  volume: "volumes",
  "volume-driver": ["local"],
  "volumes-from": "containers",
};

/** `--filter` by the command's first name: the filter's name, and its values. */
export const filterValues: Readonly<Record<string, Readonly<Record<string, Values>>>> = {
  "container ls": {
    ancestor: "images",
    before: "containers",
    exited: "nothing",
    expose: "nothing",
    health: ["healthy", "none", "starting", "unhealthy"],
    id: "nothing",
    "is-task": BOOLEANS,
    label: "nothing",
    name: "containers",
    network: "networks",
    publish: "nothing",
    since: "containers",
    status: STATES,
    volume: "volumes",
  },
  "container prune": { label: "nothing", "label!": "nothing", until: "nothing" },
  "image ls": {
    before: "images",
    dangling: BOOLEANS,
    label: "nothing",
    reference: "images",
    since: "images",
    until: "nothing",
  },
  "image prune": { label: "nothing", "label!": "nothing", until: "nothing" },
  "network ls": {
    dangling: BOOLEANS,
    driver: ["bridge", "host", "ipvlan", "macvlan", "null", "overlay", "private"],
    id: "nothing",
    label: "nothing",
    name: "networks",
    scope: ["local", "swarm"],
    type: ["builtin", "custom"],
  },
  "network prune": { label: "nothing", "label!": "nothing", until: "nothing" },
  "system events": {
    container: "containers",
    daemon: "nothing",
    event: "nothing",
    image: "images",
    label: "nothing",
    network: "networks",
    scope: ["local", "swarm"],
    type: ["container", "daemon", "image", "network", "volume"],
    volume: "volumes",
  },
  "system prune": { label: "nothing", "label!": "nothing", until: "nothing" },
  "volume ls": { dangling: BOOLEANS, driver: ["local"], label: "nothing", name: "volumes" },
  "volume prune": { all: BOOLEANS, label: "nothing", "label!": "nothing" },
};
