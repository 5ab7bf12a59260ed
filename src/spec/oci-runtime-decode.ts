// Reads config.json. Known properties that Gantry does not serve yet are refused by name; unknown ones are ignored, as the
// specification demands.

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

/** Numbers up to 64 bits; those beyond 2^53 come as bigint from an exact reader and lose their last digits. */
const number: Decoder<number> = (value, path) => {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "number" || !Number.isInteger(value)) throw new DecodeError(path, "integer", value);
  return value;
};

const isGiven = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.length > 0;
  if (isRecord(value)) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== "" && value !== false && value !== 0;
};

/** `decoder`, after a look at the properties that must be absent or empty. */
const without =
  <T>(refused: readonly string[], decoder: Decoder<T>): Decoder<T> =>
  (value, path) => {
    if (isRecord(value))
      for (const name of refused)
        if (isGiven(value[name])) throw unsupported(path === "" ? name : `${path}.${name}`);
    return decoder(value, path);
  };

const mount = without(
  ["uidMappings", "gidMappings"],
  object({ destination: string }, { type: string, source: string, options: array(string) }),
);

const capabilities = object(
  {},
  {
    bounding: array(string),
    effective: array(string),
    inheritable: array(string),
    permitted: array(string),
    ambient: array(string),
  },
);

const user = object({}, { uid: number, gid: number, umask: number, additionalGids: array(number) });

const process = without(
  ["apparmorProfile", "selinuxLabel", "ioPriority", "scheduler", "execCPUAffinity"],
  object(
    { cwd: string },
    {
      terminal: boolean,
      consoleSize: object({ height: number, width: number }, {}),
      env: array(string),
      args: array(string),
      user: (value, path) => ({ uid: 0, gid: 0, ...user(value, path) }),
      capabilities,
      rlimits: array(object({ type: string, soft: number, hard: number }, {})),
      noNewPrivileges: boolean,
      oomScoreAdj: number,
    },
  ),
);

const deviceNumber = { major: number, minor: number };
const rates = array(object({ ...deviceNumber, rate: number }, {}));

const blockIo = object(
  {},
  {
    weight: number,
    leafWeight: number,
    weightDevice: array(object(deviceNumber, { weight: number, leafWeight: number })),
    throttleReadBpsDevice: rates,
    throttleWriteBpsDevice: rates,
    throttleReadIOPSDevice: rates,
    throttleWriteIOPSDevice: rates,
  },
);

const resources = object(
  {},
  {
    devices: array(object({ allow: boolean }, { type: string, ...deviceNumber, access: string })),
    memory: without(
      ["kernel", "kernelTCP"],
      object(
        {},
        {
          limit: number,
          reservation: number,
          swap: number,
          swappiness: number,
          disableOOMKiller: boolean,
          useHierarchy: boolean,
          checkBeforeUpdate: boolean,
        },
      ),
    ),
    cpu: object(
      {},
      {
        shares: number,
        quota: number,
        period: number,
        burst: number,
        realtimeRuntime: number,
        realtimePeriod: number,
        idle: number,
        cpus: string,
        mems: string,
      },
    ),
    pids: object({ limit: number }, {}),
    blockIO: blockIo,
    hugepageLimits: array(object({ pageSize: string, limit: number }, {})),
    network: object(
      {},
      { classID: number, priorities: array(object({ name: string, priority: number }, {})) },
    ),
    rdma: record(object({}, { hcaHandles: number, hcaObjects: number })),
    unified: record(string),
  },
);

const seccomp = without(
  ["listenerPath", "listenerMetadata"],
  object(
    { defaultAction: string },
    {
      defaultErrnoRet: number,
      architectures: array(string),
      flags: array(string),
      syscalls: array(
        object(
          { names: array(string), action: string },
          {
            errnoRet: number,
            args: array(object({ index: number, value: number, op: string }, { valueTwo: number })),
          },
        ),
      ),
    },
  ),
);

const mappings = array(object({ containerID: number, hostID: number, size: number }, {}));
const namespaceType = literal("pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time");

const linux = without(
  ["intelRdt", "mountLabel", "personality", "netDevices", "memoryPolicy"],
  object(
    {},
    {
      namespaces: array(object({ type: namespaceType }, { path: string })),
      uidMappings: mappings,
      gidMappings: mappings,
      devices: array(
        object(
          { type: literal("c", "b", "u", "p"), path: string },
          { ...deviceNumber, fileMode: number, uid: number, gid: number },
        ),
      ),
      cgroupsPath: string,
      resources,
      rootfsPropagation: string,
      seccomp,
      sysctl: record(string),
      maskedPaths: array(string),
      readonlyPaths: array(string),
      timeOffsets: record(object({}, { secs: number, nanosecs: number })),
    },
  ),
);

const hookKinds = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

const spec: Decoder<Spec> = object(
  { ociVersion: string },
  {
    root: object({ path: string }, { readonly: boolean }),
    hostname: string,
    domainname: string,
    mounts: array(mount),
    process,
    annotations: record(string),
    hooks: without(hookKinds, object({}, {})),
    linux,
  },
);

/** Throws DecodeError for a value of the wrong type, EngineError for a property that is not supported. */
export const decodeSpec = (value: unknown): Spec => spec(value, "");
export const decodeProcess = (value: unknown): Process => process(value, "process");
export const decodeResources = (value: unknown): Resources => resources(value, "linux.resources");
