// The command line of run and create as one create request. All flags are read here; nothing is asked of the daemon.

import { readFileSync } from "node:fs";
import { claimed } from "#base/decode.ts";
import type {
  ContainerConfig,
  ContainerCreateRequest,
  HealthConfig,
  HostConfig,
  PortBinding,
  Resources,
} from "#spec/engine-api/definitions.table.ts";
import type { HostConfigWithSecrets } from "#spec/engine-api/secrets.ts";
import type { ParsedLine } from "../grammar/parse.ts";
import { messageFor } from "../messages.ts";
import type { Settings } from "../settings.ts";
import { chooseCapabilities } from "./capabilities.ts";
import { chooseDevices } from "./devices.ts";
import { collectLabels, collectVariables } from "./environment.ts";
import { OPTIONS } from "./flags.ts";
import { parseTmpfs, splitVolumes } from "./mounts.ts";
import { chooseNetworks } from "./networks.ts";
import { parseExpose, parsePublish } from "./ports.ts";
import { proxyVariables } from "./proxies.ts";
import { readSecrets } from "./secrets.ts";
import { parseLabel, parseRestart, toRecord } from "./settings.ts";

/** What else a request is made from: our variables, the user's settings, and which daemon they are for. */
export interface RequestSource {
  readonly surroundings: { readonly env: Readonly<Record<string, string | undefined>> };
  readonly settings: Pick<Settings, "proxies">;
  readonly endpoint: { readonly text: string };
}

type Of = ParsedLine["option"];

type Given<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what was not given: undefined, "", false, [] and {}. */
function given<T extends object>(fields: T): Given<T> {
  const isGiven = (value: unknown): boolean =>
    value !== undefined &&
    value !== "" &&
    value !== false &&
    !(typeof value === "object" && value !== null && Object.keys(value).length === 0);
  return claimed<Given<T>>(Object.fromEntries(Object.entries(fields).filter(([, value]) => isGiven(value))));
}

interface Attached {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** Which streams the caller wants: named by -a, else the outputs, and the input with -i. */
function attachedStreams(of: Of): Attached {
  const named = of(OPTIONS.attach).map((name) => name.toLowerCase());
  for (const name of named)
    if (!["stdin", "stdout", "stderr"].includes(name))
      throw new Error(
        `invalid argument "${name}" for "-a, --attach" flag: valid streams are STDIN, STDOUT and STDERR`,
      );
  if (named.length === 0) return { stdin: of(OPTIONS.interactive), stdout: true, stderr: true };
  return {
    stdin: named.includes("stdin"),
    stdout: named.includes("stdout"),
    stderr: named.includes("stderr"),
  };
}

const HEALTH_NUMBERS = [
  OPTIONS.healthInterval,
  OPTIONS.healthTimeout,
  OPTIONS.healthStartPeriod,
  OPTIONS.healthStartInterval,
  OPTIONS.healthRetries,
];

function healthcheck(of: Of): HealthConfig | undefined {
  const times = given({
    Interval: of(OPTIONS.healthInterval),
    Timeout: of(OPTIONS.healthTimeout),
    StartPeriod: of(OPTIONS.healthStartPeriod),
    StartInterval: of(OPTIONS.healthStartInterval),
    Retries: of(OPTIONS.healthRetries),
  });
  const command = of(OPTIONS.healthCmd);
  const isAsked = command !== "" || Object.keys(times).length > 0;
  if (of(OPTIONS.noHealthcheck)) {
    if (isAsked) throw new Error("--no-healthcheck conflicts with --health-* options");
    return { Test: ["NONE"] };
  }
  for (const flag of HEALTH_NUMBERS)
    if ((of(flag) ?? 0) < 0) throw new Error(`--${flag.name} cannot be negative`);
  if (!isAsked) return undefined;
  return { ...(command === "" ? {} : { Test: ["CMD-SHELL", command] }), ...times };
}

/** Profiles are files here and JSON there. */
function securityOptions(texts: readonly string[]): {
  readonly options: readonly string[];
  readonly unmasked: boolean;
} {
  const isSystemPaths = (text: string): boolean => /^systempaths[=:]unconfined$/.test(text);
  const options = texts
    .filter((text) => !isSystemPaths(text))
    .map((text) => {
      const [, path] = /^seccomp[=:](.*)$/.exec(text) ?? [];
      if (path === undefined || path === "unconfined" || path === "builtin") return text;
      try {
        return `seccomp=${JSON.stringify(JSON.parse(readFileSync(path, "utf8")))}`;
      } catch (error) {
        throw new Error(`opening seccomp profile (${path}) failed: ${messageFor(error)}`, { cause: error });
      }
    });
  return { options, unmasked: texts.some(isSystemPaths) };
}

function resources(of: Of): Partial<Resources> {
  const devices = chooseDevices(of(OPTIONS.device), of(OPTIONS.gpus));
  const limits = given({
    CpuShares: of(OPTIONS.cpuShares),
    Memory: of(OPTIONS.memory),
    MemoryReservation: of(OPTIONS.memoryReservation),
    MemorySwap: of(OPTIONS.memorySwap),
    MemorySwappiness: of(OPTIONS.memorySwappiness),
    NanoCpus: of(OPTIONS.cpus),
    CgroupParent: of(OPTIONS.cgroupParent),
    BlkioWeight: of(OPTIONS.blkioWeight),
    CpuPeriod: of(OPTIONS.cpuPeriod),
    CpuQuota: of(OPTIONS.cpuQuota),
    CpuRealtimePeriod: of(OPTIONS.cpuRtPeriod),
    CpuRealtimeRuntime: of(OPTIONS.cpuRtRuntime),
    CpusetCpus: of(OPTIONS.cpusetCpus),
    CpusetMems: of(OPTIONS.cpusetMems),
    DeviceRequests: devices.requests,
    DeviceCgroupRules: of(OPTIONS.deviceCgroupRule),
    CpuCount: of(OPTIONS.cpuCount),
    CpuPercent: of(OPTIONS.cpuPercent),
    IOMaximumBandwidth: of(OPTIONS.ioMaxBandwidth),
    IOMaximumIOps: of(OPTIONS.ioMaxIops),
    KernelMemory: of(OPTIONS.kernelMemory),
    OomKillDisable: of(OPTIONS.oomKillDisable),
    PidsLimit: of(OPTIONS.pidsLimit),
  });
  // Lists that `inspect` shows as they were sent, empty ones, too.
  return {
    ...limits,
    BlkioWeightDevice: of(OPTIONS.blkioWeightDevice),
    BlkioDeviceReadBps: of(OPTIONS.deviceReadBps),
    BlkioDeviceWriteBps: of(OPTIONS.deviceWriteBps),
    BlkioDeviceReadIOps: of(OPTIONS.deviceReadIops),
    BlkioDeviceWriteIOps: of(OPTIONS.deviceWriteIops),
    Devices: devices.mappings,
    Ulimits: of(OPTIONS.ulimit),
  };
}

function portBindings(of: Of): Readonly<Record<string, readonly PortBinding[]>> {
  const bindings: Record<string, readonly PortBinding[]> = {};
  for (const { port, binding } of of(OPTIONS.publish).flatMap(parsePublish))
    bindings[port] = [...(bindings[port] ?? []), binding];
  return bindings;
}

function exposedPorts(of: Of): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  const ports = [...Object.keys(portBindings(of)), ...of(OPTIONS.expose).flatMap(parseExpose)];
  return Object.fromEntries(ports.map((port) => [port, {}]));
}

function namespaces(of: Of): Partial<HostConfig> {
  return given({
    IpcMode: of(OPTIONS.ipc),
    PidMode: of(OPTIONS.pid),
    UTSMode: of(OPTIONS.uts),
    UsernsMode: of(OPTIONS.userns),
    CgroupnsMode: of(OPTIONS.cgroupns),
  });
}

function logConfig(of: Of): NonNullable<HostConfig["LogConfig"]> {
  const driver = of(OPTIONS.logDriver);
  const options = of(OPTIONS.logOpt);
  if (driver === "none" && options.length > 0) throw new Error("invalid logging opts for driver none");
  return { Type: driver, Config: toRecord(options.map(parseLabel)) };
}

function hostConfig(line: ParsedLine, source: RequestSource, mode: string): HostConfigWithSecrets {
  const of = line.option;
  const restart = parseRestart(of(OPTIONS.restart));
  if (of(OPTIONS.rm) && restart.Name !== "no" && restart.Name !== "")
    throw new Error("conflicting options: cannot specify both --restart and --rm");
  const security = securityOptions(of(OPTIONS.securityOpt));
  return {
    NetworkMode: mode,
    RestartPolicy: restart,
    LogConfig: logConfig(of),
    PortBindings: portBindings(of),
    Dns: of(OPTIONS.dns),
    DnsOptions: [...of(OPTIONS.dnsOption), ...of(OPTIONS.dnsOpt)],
    DnsSearch: of(OPTIONS.dnsSearch),
    ...given({
      Binds: splitVolumes(of(OPTIONS.volume)).binds,
      ContainerIDFile: of(OPTIONS.cidfile),
      AutoRemove: of(OPTIONS.rm),
      VolumeDriver: of(OPTIONS.volumeDriver),
      VolumesFrom: of(OPTIONS.volumesFrom),
      Mounts: of(OPTIONS.mount),
      Annotations: toRecord(of(OPTIONS.annotation)),
      ...chooseCapabilities(of(OPTIONS.capAdd), of(OPTIONS.capDrop)),
      ExtraHosts: of(OPTIONS.addHost).map((text) => text.replace(/^([^:=]+)=/, "$1:")),
      GroupAdd: of(OPTIONS.groupAdd),
      Links: of(OPTIONS.link),
      OomScoreAdj: of(OPTIONS.oomScoreAdj),
      Privileged: of(OPTIONS.privileged),
      PublishAllPorts: of(OPTIONS.publishAll),
      ReadonlyRootfs: of(OPTIONS.readOnly),
      SecurityOpt: security.options,
      StorageOpt: toRecord(of(OPTIONS.storageOpt).map(parseLabel)),
      Tmpfs: toRecord(of(OPTIONS.tmpfs).map(parseTmpfs)),
      ShmSize: of(OPTIONS.shmSize),
      Sysctls: toRecord(of(OPTIONS.sysctl)),
      Secrets: readSecrets(of(OPTIONS.secret), source.surroundings.env),
      Runtime: of(OPTIONS.runtime),
      Isolation: of(OPTIONS.isolation),
    }),
    ...namespaces(of),
    ...resources(of),
    ...(line.isGiven(OPTIONS.init) ? { Init: of(OPTIONS.init) } : {}), // false differs from the daemon's default
    ...(security.unmasked ? { MaskedPaths: [], ReadonlyPaths: [] } : {}),
  };
}

function variables(of: Of, { surroundings, settings, endpoint }: RequestSource): readonly string[] {
  const given = collectVariables([], of(OPTIONS.env), surroundings.env);
  const fromFiles = collectVariables(of(OPTIONS.envFile), [], surroundings.env);
  return [...fromFiles, ...given, ...proxyVariables(settings.proxies, endpoint.text, given)];
}

function config(line: ParsedLine, source: RequestSource, detached: boolean): ContainerConfig {
  const of = line.option;
  const attached = detached ? { stdin: false, stdout: false, stderr: false } : attachedStreams(of);
  const interactive = of(OPTIONS.interactive);
  const entrypoint = of(OPTIONS.entrypoint);
  const command = line.arguments.slice(1);
  return {
    Image: line.arguments[0] ?? "",
    AttachStdin: attached.stdin,
    AttachStdout: attached.stdout,
    AttachStderr: attached.stderr,
    OpenStdin: interactive,
    StdinOnce: interactive && attached.stdin,
    Tty: of(OPTIONS.tty),
    Labels: toRecord(collectLabels(of(OPTIONS.labelFile), of(OPTIONS.label)).map(parseLabel)),
    ...given({
      Hostname: of(OPTIONS.hostname),
      Domainname: of(OPTIONS.domainname),
      User: of(OPTIONS.user),
      Env: variables(of, source),
      Cmd: command,
      Healthcheck: healthcheck(of) ?? {},
      ExposedPorts: exposedPorts(of),
      Volumes: Object.fromEntries(splitVolumes(of(OPTIONS.volume)).anonymous.map((target) => [target, {}])),
      WorkingDir: of(OPTIONS.workdir),
      StopSignal: of(OPTIONS.stopSignal),
      StopTimeout: of(OPTIONS.stopTimeout),
    }),
    ...(entrypoint === undefined ? {} : { Entrypoint: [entrypoint] }),
  };
}

/** Throws an Error in Docker's words. `detached`: nobody attaches. */
export function createRequest(
  line: ParsedLine,
  source: RequestSource,
  detached: boolean,
): ContainerCreateRequest {
  const networks = chooseNetworks(line);
  return {
    ...config(line, source, detached),
    HostConfig: hostConfig(line, source, networks.mode),
    NetworkingConfig: { EndpointsConfig: networks.endpoints },
  };
}
