// What the engine keeps of a container: the record changes by rename and update only, the state with each event of its life.

import {
  boolean,
  type Decoded,
  type Decoder,
  record as dictionary,
  integer,
  array as list,
  literal,
  object,
  orNull,
  string,
} from "#base/decode.ts";
import type { Endpoint, Sandbox } from "#network/controller.ts";
import {
  decodeContainerConfig,
  decodeEndpointConfigs,
  decodeHostConfig,
  defaultEndpoint,
  type EndpointConfigs,
} from "#spec/container-config.ts";
import { decodeSecretFile } from "#spec/engine-api/secrets.ts";
import type { IdMaps } from "#spec/id-maps.ts";

/** A mount that was decided at creation; inspect shows it as MountPoint. */
const decodeMountPoint = object(
  {
    type: literal("bind", "volume", "tmpfs", "image"),
    /** Volume name, or an image's as the user wrote it; "" for others. */
    name: string,
    /** Host path; "" for tmpfs and images. */
    source: string,
    destination: string,
    /** Volume driver, "" for others. */
    driver: string,
    /** The mode as the user wrote it: "ro,z". */
    mode: string,
    writable: boolean,
    propagation: string,
    /** The volume gets the image's files at the destination if it is empty. */
    copy: boolean,
    /** Removed with the last container that has it, by `rm -v` and `--rm`. */
    anonymous: boolean,
    /** A missing bind source is made (-v). */
    createSource: boolean,
    /** A tmpfs's own mount options. */
    options: list(string),
    recursive: boolean,
  },
  {
    /** Only the mount itself is read-only, not what is mounted below it. */
    writableBelow: boolean,
    /** Nothing of the host's but the engine's, which belongs to the ids that the container sees. */
    kept: boolean,
    /** The propagation is the engine's choice. */
    chosenSlave: boolean,
    /** The directory or file within the volume or image that is mounted. */
    subpath: string,
  },
);
export type MountPoint = Decoded<typeof decodeMountPoint>;

const decodeLink = object({ alias: string, /** Id of the container it leads to. */ container: string }, {});
export type Link = Decoded<typeof decodeLink>;

const decodeMappings = list(object({ containerID: integer, hostID: integer, size: integer }, {}));
const decodeIdMaps: Decoder<IdMaps> = object({ uids: decodeMappings, gids: decodeMappings }, {});

const decodeStoredRecord = object(
  {
    id: string,
    name: string,
    createdAt: string,
    /** Digest of the image's configuration. */
    imageId: string,
    /** Chain id of the image's layers, the snapshot's parent. */
    chainId: string,
    /** The registry name that the reference resolved to, or "". */
    imageName: string,
    path: string,
    args: list(string),
    config: decodeContainerConfig,
    hostConfig: decodeHostConfig,
    mounts: list(decodeMountPoint),
    logPath: string,
  },
  {
    /** The networks that it is to be on when it runs, by name. */
    networks: decodeEndpointConfigs,
    /** In records of before there was one, on the network of its mode. */
    endpoints: decodeEndpointConfigs,
    links: list(decodeLink),
    secrets: list(decodeSecretFile),
    /** Of its user namespace; missing: it has the machine's. */
    idMaps: decodeIdMaps,
  },
);
export type ContainerRecord = Omit<Decoded<typeof decodeStoredRecord>, "networks" | "endpoints"> & {
  readonly networks: EndpointConfigs;
};

export const decodeContainerRecord: Decoder<ContainerRecord> = (value, path) => {
  const { networks, endpoints, ...record } = decodeStoredRecord(value, path);
  if (networks !== undefined) return { ...record, networks };
  const { NetworkMode: mode } = record.hostConfig;
  if (mode.startsWith("container:")) return { ...record, networks: {} };
  const name = mode === "default" ? "bridge" : mode;
  return { ...record, networks: { [name]: endpoints?.[mode] ?? defaultEndpoint } };
};

const decodePort = object(
  { proto: literal("tcp", "udp", "sctp"), containerPort: integer, hostIp: string, hostPort: integer },
  { hostPortEnd: integer, containerPortEnd: integer },
);

const decodeEndpoint: Decoder<Endpoint> = object(
  {
    networkId: string,
    networkName: string,
    endpointId: string,
    interfaceName: string,
    ipv4: string,
    prefixLength: integer,
    gateway: string,
    macAddress: string,
    ports: list(decodePort),
  },
  {
    endpointName: string,
    interfaceIndex: integer,
    ipv6: string,
    ipv6PrefixLength: integer,
    ipv6Gateway: string,
    linkLocal: list(string),
    names: list(string),
    links: dictionary(string),
    gatewayPriority: integer,
  },
);

const decodeStoredSandbox = object(
  { id: string, path: string },
  {
    endpoints: list(decodeEndpoint),
    mappings: list(decodePort),
    exposed: list(string),
    dns: object(
      { upstreams: list(object({ address: string, fromHost: boolean }, {})), keepsSingleLabels: boolean },
      {},
    ),
    /** In records of before there was one at most. */
    endpoint: decodeEndpoint,
  },
);

const decodeSandbox: Decoder<Sandbox> = (value, path) => {
  const { endpoint, endpoints, ...sandbox } = decodeStoredSandbox(value, path);
  return { ...sandbox, endpoints: endpoints ?? (endpoint === undefined ? [] : [endpoint]) };
};

const decodeHealth = object(
  {
    status: literal("starting", "healthy", "unhealthy"),
    failingStreak: integer,
    log: list(object({ start: string, end: string, exitCode: integer, output: string }, {})),
  },
  {},
);
export type HealthState = Decoded<typeof decodeHealth>;

export const decodeContainerState = object(
  {
    status: literal("created", "running", "paused", "restarting", "removing", "exited", "dead"),
    pid: integer,
    exitCode: integer,
    error: string,
    oomKilled: boolean,
    startedAt: string,
    finishedAt: string,
    restartCount: integer,
    /** A user stopped it: `unless-stopped` stays down at the daemon's start, no policy restarts it now. */
    manuallyStopped: boolean,
    /** What it has of its network while it runs: the next daemon takes that over. */
    network: orNull(object({ sandbox: decodeSandbox }, {})),
    health: orNull(decodeHealth),
  },
  {
    /** The engine paused it for a while, for its own sake: a daemon that dies then must not leave it so. */
    pausedBriefly: boolean,
  },
);
export type ContainerState = Decoded<typeof decodeContainerState>;

export const newState: ContainerState = {
  status: "created",
  pid: 0,
  exitCode: 0,
  error: "",
  oomKilled: false,
  startedAt: "0001-01-01T00:00:00Z",
  finishedAt: "0001-01-01T00:00:00Z",
  restartCount: 0,
  manuallyStopped: false,
  network: null,
  health: null,
};

/** At least once, successfully. */
export const hasStarted = ({ startedAt }: Pick<ContainerState, "startedAt">): boolean =>
  !startedAt.startsWith("0001");

/** A process of the container exists. */
export const hasProcess = (state: Pick<ContainerState, "status">): boolean =>
  state.status === "running" || state.status === "paused";

/** Docker's `Running`: also while it waits to be restarted. */
export const isRunning = (state: Pick<ContainerState, "status">): boolean =>
  hasProcess(state) || state.status === "restarting";
