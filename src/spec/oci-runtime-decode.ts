// Reads config.json. Every property of the specification is checked for its type and range; unknown ones are ignored, as the
// specification demands. What cannot be granted is refused where it would be done.

import {
  array,
  boolean,
  DecodeError,
  type Decoder,
  isRecord,
  literal,
  object,
  record,
  string,
} from "#base/decode.ts";
import { unsupported } from "#base/errors.ts";
import type { Process, Resources, Spec } from "./oci-runtime.ts";

/** Those beyond 2^53 come as bigint from an exact reader; their last digits are lost, so that the largest one is the next power of two. */
const within =
  (least: number | bigint, most: number | bigint): Decoder<number> =>
  (value, path) => {
    const isInteger = typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value));
    if (!isInteger) throw new DecodeError(path, "integer", value);
    if (Number(value) < Number(least) || Number(value) > Number(most))
      throw new DecodeError(path, `integer from ${least} to ${most}`, value);
    return Number(value);
  };

const u16 = within(0, 2 ** 16 - 1);
const u32 = within(0, 2 ** 32 - 1);
const i32 = within(-(2 ** 31), 2 ** 31 - 1);
const u64 = within(0, 2n ** 64n - 1n);
const i64 = within(-(2n ** 63n), 2n ** 63n - 1n);

/** Keeps all 64 bits. */
const exactU64: Decoder<number | bigint> = (value, path) =>
  typeof value === "bigint" ? exact(value, path) : u64(value, path);
const exact = (value: bigint, path: string): bigint => {
  u64(value, path);
  return value;
};

const path: Decoder<string> = (value, at) => {
  const text = string(value, at);
  if (text.includes("\0")) throw new DecodeError(at, "string without NUL", value);
  return text;
};
const texts = array(path);

const matching =
  (pattern: RegExp, expected: string): Decoder<string> =>
  (value, at) => {
    const text = string(value, at);
    if (!pattern.test(text)) throw new DecodeError(at, expected, text);
    return text;
  };

const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== 0;

/** `decoder`, after a look at the properties that must be absent. */
const without =
  <T>(refused: readonly string[], decoder: Decoder<T>): Decoder<T> =>
  (value, at) => {
    if (isRecord(value))
      for (const name of refused) if (isGiven(value[name])) throw unsupported(`${at}.${name}`);
    return decoder(value, at);
  };

const mappings = array(object({ containerID: u32, hostID: u32, size: u32 }, {}));

const mount = object(
  { destination: path },
  { type: path, source: path, options: texts, uidMappings: mappings, gidMappings: mappings },
);

const capabilities = object(
  {},
  { bounding: texts, effective: texts, inheritable: texts, permitted: texts, ambient: texts },
);

const user = object({}, { uid: u32, gid: u32, umask: u32, additionalGids: array(u32) });

const scheduler = object(
  {
    policy: literal(
      "SCHED_OTHER",
      "SCHED_FIFO",
      "SCHED_RR",
      "SCHED_BATCH",
      "SCHED_ISO",
      "SCHED_IDLE",
      "SCHED_DEADLINE",
    ),
  },
  {
    nice: i32,
    priority: i32,
    flags: array(
      literal(
        "SCHED_FLAG_RESET_ON_FORK",
        "SCHED_FLAG_RECLAIM",
        "SCHED_FLAG_DL_OVERRUN",
        "SCHED_FLAG_KEEP_POLICY",
        "SCHED_FLAG_KEEP_PARAMS",
        "SCHED_FLAG_UTIL_CLAMP_MIN",
        "SCHED_FLAG_UTIL_CLAMP_MAX",
      ),
    ),
    runtime: u64,
    deadline: u64,
    period: u64,
  },
);

const ioPriority = object(
  { class: literal("IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE") },
  { priority: i32 },
);

const cpuList = matching(/^[0-9, -]*$/, "list of CPUs");

/** Infinity is written as -1 by some. */
const limit = within(-1, 2n ** 64n - 1n);

const process = object(
  { cwd: path },
  {
    terminal: boolean,
    consoleSize: object({ height: u16, width: u16 }, {}),
    env: texts,
    args: texts,
    user: (value, at) => ({ uid: 0, gid: 0, ...user(value, at) }),
    capabilities,
    rlimits: array(object({ type: matching(/^RLIMIT_[A-Z]+$/, "RLIMIT_…"), soft: limit, hard: limit }, {})),
    noNewPrivileges: boolean,
    oomScoreAdj: within(-1000, 1000),
    apparmorProfile: path,
    selinuxLabel: path,
    scheduler,
    ioPriority,
    execCPUAffinity: object({}, { initial: cpuList, final: cpuList }),
  },
);

const deviceNumber = { major: i64, minor: i64 };
const rates = array(object({ ...deviceNumber, rate: u64 }, {}));

const blockIo = object(
  {},
  {
    weight: u16,
    leafWeight: u16,
    weightDevice: array(object(deviceNumber, { weight: u16, leafWeight: u16 })),
    throttleReadBpsDevice: rates,
    throttleWriteBpsDevice: rates,
    throttleReadIOPSDevice: rates,
    throttleWriteIOPSDevice: rates,
  },
);

const memory = without(
  ["kernel", "kernelTCP"],
  object(
    {},
    {
      limit: i64,
      reservation: i64,
      swap: i64,
      swappiness: u64,
      disableOOMKiller: boolean,
      useHierarchy: boolean,
      checkBeforeUpdate: boolean,
    },
  ),
);

const cpu = object(
  {},
  {
    shares: u64,
    quota: i64,
    period: u64,
    burst: u64,
    realtimeRuntime: i64,
    realtimePeriod: u64,
    idle: i64,
    cpus: path,
    mems: path,
  },
);

const resources = object(
  {},
  {
    devices: array(object({ allow: boolean }, { type: path, ...deviceNumber, access: path })),
    memory,
    cpu,
    pids: object({ limit: i64 }, {}),
    blockIO: blockIo,
    hugepageLimits: array(object({ pageSize: path, limit: u64 }, {})),
    network: object({}, { classID: u32, priorities: array(object({ name: path, priority: u32 }, {})) }),
    rdma: record(object({}, { hcaHandles: u32, hcaObjects: u32 })),
    unified: record(path),
  },
);

const seccomp = object(
  { defaultAction: string },
  {
    defaultErrnoRet: u32,
    architectures: array(string),
    flags: array(string),
    listenerPath: path,
    listenerMetadata: path,
    syscalls: array(
      object(
        { names: array(string), action: string },
        {
          errnoRet: u32,
          args: array(object({ index: u32, value: exactU64, op: string }, { valueTwo: exactU64 })),
        },
      ),
    ),
  },
);

const namespaceType = literal("pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time");

const memoryPolicy = object(
  {
    mode: literal(
      "MPOL_DEFAULT",
      "MPOL_BIND",
      "MPOL_INTERLEAVE",
      "MPOL_WEIGHTED_INTERLEAVE",
      "MPOL_PREFERRED",
      "MPOL_PREFERRED_MANY",
      "MPOL_LOCAL",
    ),
  },
  {
    nodes: matching(/^[0-9, -]*$/, "list of nodes"),
    flags: array(literal("MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES")),
  },
);

const intelRdt = object(
  {},
  {
    closID: path,
    schemata: array(matching(/^[^\n]*$/, "one line")),
    l3CacheSchema: path,
    memBwSchema: matching(/^MB:[^\n]*$/, '"MB:…" on one line'),
    enableMonitoring: boolean,
  },
);

const linux = object(
  {},
  {
    namespaces: array(object({ type: namespaceType }, { path })),
    uidMappings: mappings,
    gidMappings: mappings,
    devices: array(
      object(
        { type: literal("c", "b", "u", "p"), path },
        { ...deviceNumber, fileMode: u32, uid: u32, gid: u32 },
      ),
    ),
    cgroupsPath: path,
    resources,
    rootfsPropagation: string,
    seccomp,
    sysctl: record(path),
    maskedPaths: texts,
    readonlyPaths: texts,
    timeOffsets: record(object({}, { secs: i64, nanosecs: u32 })),
    mountLabel: path,
    personality: object({ domain: literal("LINUX", "LINUX32") }, { flags: array(string) }),
    intelRdt,
    netDevices: record(object({}, { name: path })),
    memoryPolicy,
  },
);

const hooks = array(object({ path }, { args: texts, env: texts, timeout: within(1, 2 ** 31 - 1) }));

const spec: Decoder<Spec> = object(
  { ociVersion: string },
  {
    root: object({ path }, { readonly: boolean }),
    hostname: path,
    domainname: path,
    mounts: array(mount),
    process,
    annotations: record(string),
    hooks: object(
      {},
      {
        prestart: hooks,
        createRuntime: hooks,
        createContainer: hooks,
        startContainer: hooks,
        poststart: hooks,
        poststop: hooks,
      },
    ),
    linux,
  },
);

/** All throw DecodeError for a value of the wrong type or range; numbers of more than 53 bits are read best by parseExactJson. */
export const decodeSpec = (value: unknown): Spec => spec(value, "");
export const decodeProcess = (value: unknown): Process => process(value, "process");
export const decodeResources = (value: unknown): Resources => resources(value, "linux.resources");
