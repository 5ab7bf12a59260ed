// The flags that say what a new container is: of run, create and explain.

import { disableContentTrust } from "../content-trust.ts";
import {
  type AnyFlag,
  bytes,
  cpus,
  duration,
  integer,
  list,
  listOf,
  optionalText,
  text,
  toggle,
  unsupportedFlags,
} from "../grammar/flags.ts";
import { parseGpus } from "./devices.ts";
import { checkVariable } from "./environment.ts";
import { parseMount } from "./mounts.ts";
import { parseSecret } from "./secrets.ts";
import { parseLabel, parseSysctl, parseThrottle, parseUlimit, parseWeight } from "./settings.ts";

export const OPTIONS = {
  addHost: list("add-host", { about: "Add a custom host-to-IP mapping (host:ip)" }),
  annotation: listOf(
    "annotation",
    {
      value: "map",
      shown: "map[]",
      about: "Add an annotation to the container (passed through to the OCI runtime)",
    },
    parseLabel,
  ),
  attach: list("attach", { short: "a", about: "Attach to STDIN, STDOUT or STDERR" }),
  blkioWeight: integer("blkio-weight", {
    value: "uint16",
    about: "Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)",
  }),
  blkioWeightDevice: listOf(
    "blkio-weight-device",
    { shown: "[]", about: "Block IO weight (relative device weight)" },
    parseWeight,
  ),
  capAdd: list("cap-add", { about: "Add Linux capabilities" }),
  capDrop: list("cap-drop", { about: "Drop Linux capabilities" }),
  cgroupParent: text("cgroup-parent", { about: "Optional parent cgroup for the container" }),
  cgroupns: text("cgroupns", { about: "Cgroup namespace to use (host|private)" }),
  cidfile: text("cidfile", { about: "Write the container ID to the file" }),
  cpuPeriod: integer("cpu-period", { about: "Limit CPU CFS (Completely Fair Scheduler) period" }),
  cpuQuota: integer("cpu-quota", { about: "Limit CPU CFS (Completely Fair Scheduler) quota" }),
  cpuRtPeriod: integer("cpu-rt-period", { about: "Limit CPU real-time period in microseconds" }),
  cpuRtRuntime: integer("cpu-rt-runtime", { about: "Limit CPU real-time runtime in microseconds" }),
  cpuShares: integer("cpu-shares", { short: "c", about: "CPU shares (relative weight)" }),
  cpus: cpus("cpus", { about: "Number of CPUs" }),
  cpusetCpus: text("cpuset-cpus", { about: "CPUs in which to allow execution (0-3, 0,1)" }),
  cpusetMems: text("cpuset-mems", { about: "MEMs in which to allow execution (0-3, 0,1)" }),
  device: list("device", { about: "Add a host device to the container" }),
  deviceCgroupRule: list("device-cgroup-rule", { about: "Add a rule to the cgroup allowed devices list" }),
  deviceReadBps: listOf(
    "device-read-bps",
    { about: "Limit read rate (bytes per second) from a device", shown: "[]" },
    parseThrottle("bytes"),
  ),
  deviceReadIops: listOf(
    "device-read-iops",
    { about: "Limit read rate (IO per second) from a device", shown: "[]" },
    parseThrottle("operations"),
  ),
  deviceWriteBps: listOf(
    "device-write-bps",
    { about: "Limit write rate (bytes per second) to a device", shown: "[]" },
    parseThrottle("bytes"),
  ),
  deviceWriteIops: listOf(
    "device-write-iops",
    { about: "Limit write rate (IO per second) to a device", shown: "[]" },
    parseThrottle("operations"),
  ),
  dns: list("dns", { about: "Set custom DNS servers" }),
  dnsOption: list("dns-option", { about: "Set DNS options" }),
  dnsOpt: list("dns-opt"),
  dnsSearch: list("dns-search", { about: "Set custom DNS search domains" }),
  domainname: text("domainname", { about: "Container NIS domain name" }),
  entrypoint: optionalText("entrypoint", { about: "Overwrite the default ENTRYPOINT of the image" }),
  env: listOf("env", { short: "e", about: "Set environment variables" }, checkVariable),
  envFile: list("env-file", { about: "Read in a file of environment variables" }),
  expose: list("expose", { about: "Expose a port or a range of ports" }),
  gpus: listOf(
    "gpus",
    { value: "gpu-request", about: "GPU devices to add to the container ('all' to pass all GPUs)" },
    parseGpus,
  ),
  groupAdd: list("group-add", { about: "Add additional groups to join" }),
  healthCmd: text("health-cmd", { about: "Command to run to check health" }),
  healthInterval: duration("health-interval", {
    about: "Time between running the check (ms|s|m|h) (default 0s)",
  }),
  healthRetries: integer("health-retries", { about: "Consecutive failures needed to report unhealthy" }),
  healthStartInterval: duration("health-start-interval", {
    about: "Time between running the check during the start period (ms|s|m|h) (default 0s)",
  }),
  healthStartPeriod: duration("health-start-period", {
    about:
      "Start period for the container to initialize before starting health-retries countdown (ms|s|m|h) (default 0s)",
  }),
  healthTimeout: duration("health-timeout", {
    about: "Maximum time to allow one check to run (ms|s|m|h) (default 0s)",
  }),
  hostname: text("hostname", { short: "h", about: "Container host name" }),
  init: toggle("init", {
    about: "Run an init inside the container that forwards signals and reaps processes",
  }),
  interactive: toggle("interactive", { short: "i", about: "Keep STDIN open even if not attached" }),
  ip: text("ip", { about: "IPv4 address (e.g., 172.30.100.104)" }),
  ip6: text("ip6", { about: "IPv6 address (e.g., 2001:db8::33)" }),
  ipc: text("ipc", { about: "IPC mode to use" }),
  isolation: text("isolation", { about: "Container isolation technology" }),
  kernelMemory: bytes("kernel-memory", { about: "Kernel memory limit" }),
  cpuCount: integer("cpu-count", { about: "CPU count (Windows only)" }),
  cpuPercent: integer("cpu-percent", { about: "CPU percent (Windows only)" }),
  ioMaxBandwidth: bytes("io-maxbandwidth", {
    about: "Maximum IO bandwidth limit for the system drive (Windows only)",
  }),
  ioMaxIops: integer("io-maxiops", {
    value: "uint",
    about: "Maximum IOps limit for the system drive (Windows only)",
  }),
  label: list("label", { short: "l", about: "Set meta data on a container" }),
  labelFile: list("label-file", { about: "Read in a line delimited file of labels" }),
  link: list("link", { about: "Add link to another container" }),
  linkLocalIp: list("link-local-ip", { about: "Container IPv4/IPv6 link-local addresses" }),
  logDriver: text("log-driver", { about: "Logging driver for the container" }),
  logOpt: list("log-opt", { about: "Log driver options" }),
  macAddress: text("mac-address", { about: "Container MAC address (e.g., 92:d0:c6:0a:29:33)" }),
  memory: bytes("memory", { short: "m", about: "Memory limit" }),
  memoryReservation: bytes("memory-reservation", { about: "Memory soft limit" }),
  memorySwap: bytes("memory-swap", {
    about: "Swap limit equal to memory plus swap: '-1' to enable unlimited swap",
  }),
  memorySwappiness: integer("memory-swappiness", {
    shown: "-1",
    about: "Tune container memory swappiness (0 to 100)",
  }),
  mount: listOf("mount", { value: "mount", about: "Attach a filesystem mount to the container" }, parseMount),
  name: text("name", { about: "Assign a name to the container" }),
  network: list("network", { value: "network", about: "Connect a container to a network" }),
  net: list("net", { value: "network" }),
  networkAlias: list("network-alias", { about: "Add network-scoped alias for the container" }),
  netAlias: list("net-alias"),
  noHealthcheck: toggle("no-healthcheck", { about: "Disable any container-specified HEALTHCHECK" }),
  oomKillDisable: toggle("oom-kill-disable", { about: "Disable OOM Killer" }),
  oomScoreAdj: integer("oom-score-adj", { about: "Tune host's OOM preferences (-1000 to 1000)" }),
  pid: text("pid", { about: "PID namespace to use" }),
  pidsLimit: integer("pids-limit", { about: "Tune container pids limit (set -1 for unlimited)" }),
  platform: text("platform", { about: "Set platform if server is multi-platform capable" }),
  privileged: toggle("privileged", { about: "Give extended privileges to this container" }),
  publish: list("publish", { short: "p", about: "Publish a container's port(s) to the host" }),
  publishAll: toggle("publish-all", { short: "P", about: "Publish all exposed ports to random ports" }),
  pull: text("pull", { shown: "missing", about: 'Pull image before running ("always", "missing", "never")' }),
  quiet: toggle("quiet", { short: "q", about: "Suppress the pull output" }),
  readOnly: toggle("read-only", { about: "Mount the container's root filesystem as read only" }),
  restart: text("restart", { shown: "no", about: "Restart policy to apply when a container exits" }),
  rm: toggle("rm", {
    about: "Automatically remove the container and its associated anonymous volumes when it exits",
  }),
  runtime: text("runtime", { about: "Runtime to use for this container" }),
  secret: listOf(
    "secret",
    {
      value: "secret",
      about:
        "Secret file in memory for the container (id=NAME,src=FILE|env=VARIABLE[,target=PATH,uid=,gid=,mode=])",
    },
    parseSecret,
  ),
  securityOpt: list("security-opt", { about: "Security Options" }),
  shmSize: bytes("shm-size", { about: "Size of /dev/shm" }),
  stopSignal: text("stop-signal", { about: "Signal to stop the container" }),
  stopTimeout: integer("stop-timeout", { about: "Timeout (in seconds) to stop a container" }),
  storageOpt: list("storage-opt", { about: "Storage driver options for the container" }),
  sysctl: listOf("sysctl", { value: "map", shown: "map[]", about: "Sysctl options" }, parseSysctl),
  tmpfs: list("tmpfs", { about: "Mount a tmpfs directory" }),
  tty: toggle("tty", { short: "t", about: "Allocate a pseudo-TTY" }),
  ulimit: listOf("ulimit", { value: "ulimit", shown: "[]", about: "Ulimit options" }, parseUlimit),
  user: text("user", { short: "u", about: "Username or UID (format: <name|uid>[:<group|gid>])" }),
  userns: text("userns", { about: "User namespace to use" }),
  uts: text("uts", { about: "UTS namespace to use" }),
  volume: list("volume", { short: "v", about: "Bind mount a volume" }),
  volumeDriver: text("volume-driver", { about: "Optional volume driver for the container" }),
  volumesFrom: list("volumes-from", { about: "Mount volumes from the specified container(s)" }),
  workdir: text("workdir", { short: "w", about: "Working directory inside the container" }),
} as const;

export const optionFlags: readonly AnyFlag[] = [
  ...Object.values(OPTIONS),
  disableContentTrust,
  ...unsupportedFlags("use-api-socket"),
];
