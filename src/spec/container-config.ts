// A container's settings in the Engine API's spelling (ContainerConfig, HostConfig), read into complete values: what the client left
// out has Go's zero value, and null stays null where inspect shows it.

import {
  boolean,
  type Decoded,
  type Decoder,
  integer,
  array as list,
  record as map,
  object,
  orNull,
  string,
  unknown,
} from "#base/decode.ts";
import { packBindings, packExposed } from "./port-ranges.ts";

const or =
  <T>(decode: Decoder<T>, fallback: T): Decoder<T> =>
  (value, path) =>
    value === undefined || value === null ? fallback : decode(value, path);
const text = or(string, "");
const flag = or(boolean, false);
const count = or(integer, 0);
const texts = orNull(list(string));
const textMap = orNull(map(string));
const keys = orNull(map(unknown));

/** What `pack` makes of it is decoded. */
const packed =
  <T>(pack: (value: unknown) => unknown, decode: Decoder<T>): Decoder<T> =>
  (value, path) =>
    decode(pack(value), path);

/** Go's strslice: a list, or one string. */
const command: Decoder<readonly string[] | null> = (value, path) =>
  typeof value === "string" ? [value] : texts(value, path);

const decodeHealthConfig = object(
  {},
  {
    Test: list(string),
    Interval: integer,
    Timeout: integer,
    StartPeriod: integer,
    StartInterval: integer,
    Retries: integer,
  },
);
export type HealthConfig = Decoded<typeof decodeHealthConfig>;

export const decodeContainerConfig = object(
  {
    Hostname: text,
    Domainname: text,
    User: text,
    AttachStdin: flag,
    AttachStdout: flag,
    AttachStderr: flag,
    Tty: flag,
    OpenStdin: flag,
    StdinOnce: flag,
    Env: texts,
    Cmd: command,
    Image: text,
    Volumes: keys,
    WorkingDir: text,
    Entrypoint: command,
    OnBuild: texts,
    Labels: textMap,
  },
  {
    /** Neighbours are one entry, as in PortBindings: port-ranges.ts. */
    ExposedPorts: packed(packExposed, map(unknown)),
    Healthcheck: decodeHealthConfig,
    ArgsEscaped: boolean,
    NetworkDisabled: boolean,
    MacAddress: string,
    StopSignal: string,
    StopTimeout: integer,
    Shell: list(string),
  },
);
export type ContainerConfig = Decoded<typeof decodeContainerConfig>;

const decodePortBinding = object({ HostIp: text, HostPort: text }, {});
export const decodePortBindings = packed(packBindings, map(orNull(list(decodePortBinding))));

const decodeMount = object(
  { Type: text, Target: text },
  {
    Source: string,
    ReadOnly: boolean,
    Consistency: string,
    BindOptions: object(
      {},
      {
        Propagation: string,
        NonRecursive: boolean,
        CreateMountpoint: boolean,
        ReadOnlyNonRecursive: boolean,
        ReadOnlyForceRecursive: boolean,
      },
    ),
    VolumeOptions: object(
      {},
      {
        NoCopy: boolean,
        Labels: map(string),
        Subpath: string,
        DriverConfig: object({}, { Name: string, Options: map(string) }),
      },
    ),
    ImageOptions: object({}, { Subpath: string }),
    TmpfsOptions: object({}, { SizeBytes: integer, Mode: integer, Options: list(list(string)) }),
    ClusterOptions: unknown,
  },
);
export type MountRequest = Decoded<typeof decodeMount>;

const decodeDevice = object({ PathOnHost: text, PathInContainer: text, CgroupPermissions: text }, {});

const decodeDeviceRequest = object(
  {
    Driver: text,
    Count: count,
    DeviceIDs: texts,
    Capabilities: orNull(list(list(string))),
    Options: textMap,
  },
  {},
);
export type DeviceRequest = Decoded<typeof decodeDeviceRequest>;

const decodeUlimit = object({ Name: text, Soft: count, Hard: count }, {});
const decodeRestartPolicy = object({ Name: text, MaximumRetryCount: count }, {});
export type RestartPolicy = Decoded<typeof decodeRestartPolicy>;

const throttles = list(object({ Path: text, Rate: count }, {}));
const weights = list(object({ Path: text, Weight: count }, {}));

const resourceFields = {
  CpuShares: count,
  Memory: count,
  NanoCpus: count,
  CgroupParent: text,
  BlkioWeight: count,
  BlkioWeightDevice: orNull(weights),
  BlkioDeviceReadBps: orNull(throttles),
  BlkioDeviceWriteBps: orNull(throttles),
  BlkioDeviceReadIOps: orNull(throttles),
  BlkioDeviceWriteIOps: orNull(throttles),
  CpuPeriod: count,
  CpuQuota: count,
  CpuRealtimePeriod: count,
  CpuRealtimeRuntime: count,
  CpusetCpus: text,
  CpusetMems: text,
  Devices: orNull(list(decodeDevice)),
  DeviceCgroupRules: texts,
  DeviceRequests: orNull(list(decodeDeviceRequest)),
  MemoryReservation: count,
  MemorySwap: count,
  MemorySwappiness: orNull(integer),
  OomKillDisable: orNull(boolean),
  PidsLimit: orNull(integer),
  Ulimits: orNull(list(decodeUlimit)),
  CpuCount: count,
  CpuPercent: count,
  IOMaximumIOps: count,
  IOMaximumBandwidth: count,
};
const decodeResources = object(resourceFields, {});
export type ContainerResources = Decoded<typeof decodeResources>;

export const decodeHostConfig = object(
  {
    ...resourceFields,
    Binds: texts,
    ContainerIDFile: text,
    LogConfig: or(object({ Type: text, Config: textMap }, {}), { Type: "", Config: {} }),
    NetworkMode: text,
    PortBindings: orNull(decodePortBindings),
    RestartPolicy: or(decodeRestartPolicy, { Name: "", MaximumRetryCount: 0 }),
    AutoRemove: flag,
    VolumeDriver: text,
    VolumesFrom: texts,
    ConsoleSize: or(list(integer), [0, 0]),
    CapAdd: command,
    CapDrop: command,
    CgroupnsMode: text,
    Dns: texts,
    DnsOptions: texts,
    DnsSearch: texts,
    ExtraHosts: texts,
    GroupAdd: texts,
    IpcMode: text,
    Cgroup: text,
    Links: texts,
    OomScoreAdj: count,
    PidMode: text,
    Privileged: flag,
    PublishAllPorts: flag,
    ReadonlyRootfs: flag,
    SecurityOpt: texts,
    UTSMode: text,
    UsernsMode: text,
    ShmSize: count,
    Runtime: text,
    Isolation: text,
    MaskedPaths: texts,
    ReadonlyPaths: texts,
  },
  {
    Annotations: map(string),
    StorageOpt: map(string),
    Tmpfs: map(string),
    Sysctls: map(string),
    Mounts: list(decodeMount),
    Init: boolean,
    KernelMemory: integer,
    KernelMemoryTCP: integer,
  },
);
export type HostConfig = Decoded<typeof decodeHostConfig>;

export const decodeEndpointConfig = object(
  {
    IPAMConfig: orNull(object({}, { IPv4Address: string, IPv6Address: string, LinkLocalIPs: list(string) })),
    Links: texts,
    Aliases: texts,
    DriverOpts: textMap,
    MacAddress: text,
    GwPriority: count,
  },
  { /** Of a network that was found. */ NetworkID: string },
);
export type EndpointConfig = Decoded<typeof decodeEndpointConfig>;
export type EndpointConfigs = Readonly<Record<string, EndpointConfig>>;

export const defaultEndpoint: EndpointConfig = decodeEndpointConfig({}, "");

/** NetworkingConfig.EndpointsConfig; a null endpoint has default settings. */
export const decodeEndpointConfigs: Decoder<EndpointConfigs> = or(
  map(or(decodeEndpointConfig, defaultEndpoint)),
  {},
);

/** The body of POST /containers/{id}/update: only what is there is to change. */
export const decodeUpdate = object(
  {},
  {
    CpuShares: integer,
    Memory: integer,
    NanoCpus: integer,
    BlkioWeight: integer,
    BlkioWeightDevice: weights,
    BlkioDeviceReadBps: throttles,
    BlkioDeviceWriteBps: throttles,
    BlkioDeviceReadIOps: throttles,
    BlkioDeviceWriteIOps: throttles,
    CpuPeriod: integer,
    CpuQuota: integer,
    CpuRealtimePeriod: integer,
    CpuRealtimeRuntime: integer,
    CpusetCpus: string,
    CpusetMems: string,
    MemoryReservation: integer,
    MemorySwap: integer,
    PidsLimit: integer,
    RestartPolicy: decodeRestartPolicy,
    // Gantry's own, which no client of Docker's sends: docs/networking.md.
    PublishAdd: map(orNull(list(decodePortBinding))),
    PublishRemove: map(orNull(list(decodePortBinding))),
  },
);
export type UpdateRequest = Decoded<typeof decodeUpdate>;
