// The body of POST /containers/create: decoded, and adapted to what older API versions meant by it.

import { DecodeError, isRecord } from "#base/decode.ts";
import { invalid } from "#base/errors.ts";
import {
  type ContainerConfig,
  decodeContainerConfig,
  decodeEndpointConfigs,
  decodeHostConfig,
  type EndpointConfigs,
  type HostConfig,
} from "#spec/container-config.ts";
import { decodeSecretSpecs } from "#spec/engine-api/secrets.ts";
import { containerOf } from "./namespace-modes.ts";
import { parseSecrets, type Secret } from "./secrets/parse-secrets.ts";

export interface CreateRequest {
  /** "" to have one chosen. */
  readonly name: string;
  /** os[/arch[/variant]] or "". */
  readonly platform: string;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly endpoints: EndpointConfigs;
  /** Apart from the settings: those are saved and shown. */
  readonly secrets: readonly Secret[];
  readonly warnings: readonly string[];
}

/** `minor`: the API version 1.minor that the client speaks. */
export function decodeCreateRequest(
  body: unknown,
  query: { readonly name: string; readonly platform: string },
  minor: number,
): CreateRequest {
  if (body === undefined) throw invalid("invalid JSON: got EOF while reading request body");
  if (body === null) throw invalid("config cannot be empty in order to create a container");
  refuseCapabilities(body, minor);
  const decoded = decodeBody(body);
  const config = adaptConfig(decoded.config, minor);
  const hostConfig = adaptHostConfig(decoded.hostConfig, minor);
  const network = { config, hostConfig, endpoints: decoded.endpoints };
  const { endpoints, warnings } = adaptEndpoints(network, minor);
  const platform = minor >= 41 ? query.platform : "";
  const all = [
    ...warnOfVolumeDriver(hostConfig, minor),
    ...warnings,
    ...warnOfEmptyBindings(decoded.hostConfig.PortBindings, minor),
  ];
  const secrets = parseSecrets(decoded.secrets);
  return { name: query.name, platform, config, hostConfig, endpoints, secrets, warnings: all };
}

function warnOfVolumeDriver({ VolumeDriver, Mounts = [] }: HostConfig, minor: number): readonly string[] {
  const ignored = Mounts.some(
    ({ Type, VolumeOptions }) => Type === "volume" && !VolumeOptions?.DriverConfig?.Name,
  );
  return VolumeDriver === "" || minor < 48 || !ignored
    ? []
    : [
        "WARNING: the container-wide volume-driver configuration is ignored for volumes specified via 'mount'. Use '--mount type=volume,volume-driver=...' instead",
      ];
}

/** Only 1.40 had the field; before and after it is unknown. */
function refuseCapabilities(body: unknown, minor: number): void {
  const hostConfig = isRecord(body) && isRecord(body.HostConfig) ? body.HostConfig : {};
  const { Capabilities } = hostConfig;
  if (minor === 40 && Array.isArray(Capabilities) && Capabilities.length > 0)
    throw invalid(
      "the HostConfig.Capabilities field is not supported by this daemon; use CapAdd and CapDrop to set capabilities",
    );
}

function decodeBody(body: unknown) {
  try {
    if (!isRecord(body)) throw new DecodeError("", "object", body);
    const networking = body.NetworkingConfig;
    const host = isRecord(body.HostConfig) ? body.HostConfig : {};
    refuseRanges(host.PortBindings);
    return {
      config: decodeContainerConfig(body, ""),
      hostConfig: decodeHostConfig(body.HostConfig ?? {}, "HostConfig"),
      endpoints: decodeEndpointConfigs(
        isRecord(networking) ? networking.EndpointsConfig : null,
        "NetworkingConfig.EndpointsConfig",
      ),
      secrets: decodeSecretSpecs(host.Secrets ?? [], "HostConfig.Secrets"),
    };
  } catch (error) {
    if (error instanceof DecodeError) throw invalid(`invalid JSON: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Only what is exposed may be a range; bindings have one of the host's ports for each. */
function refuseRanges(bindings: unknown): void {
  if (!isRecord(bindings)) return;
  for (const key of Object.keys(bindings))
    if (key.includes("-")) throw invalid(`invalid port specification: "${key.replace(/\/.*/, "")}"`);
}

function adaptConfig(config: ContainerConfig, minor: number): ContainerConfig {
  const { Healthcheck, ...rest } = config;
  if (Healthcheck === undefined || minor >= 44) return config;
  const { StartInterval: _later, ...healthcheck } = Healthcheck;
  return { ...rest, Healthcheck: healthcheck };
}

function adaptHostConfig(hostConfig: HostConfig, minor: number): HostConfig {
  const { Annotations, Mounts, ...rest } = hostConfig;
  return {
    ...rest,
    IpcMode: minor < 40 && rest.IpcMode === "" ? "shareable" : rest.IpcMode,
    CgroupnsMode: minor < 41 && rest.CgroupnsMode === "" ? "host" : rest.CgroupnsMode,
    ConsoleSize: minor < 42 ? [0, 0] : rest.ConsoleSize,
    NetworkMode: adaptNetworkMode(rest.NetworkMode, minor),
    MemorySwappiness: rest.MemorySwappiness === -1 ? null : rest.MemorySwappiness,
    PidsLimit: rest.PidsLimit !== null && rest.PidsLimit > 0 ? rest.PidsLimit : null,
    PortBindings: fillPortBindings(rest.PortBindings),
    ...(Annotations !== undefined && minor >= 43 && { Annotations }),
    ...(Mounts !== undefined && { Mounts: Mounts.map((mount) => adaptMount(mount, minor)) }),
  };
}

/** Since 1.44 the daemon shows the network that "default" stands for. */
function adaptNetworkMode(mode: string, minor: number): string {
  if (mode !== "" && mode !== "default") return mode;
  return minor >= 44 ? "bridge" : "default";
}

type PortBindings = HostConfig["PortBindings"];
type MountRequest = NonNullable<HostConfig["Mounts"]>[number];

/** A port without bindings is published on an ephemeral port of all addresses. */
function fillPortBindings(bindings: PortBindings): PortBindings {
  if (bindings === null) return null;
  return Object.fromEntries(
    Object.entries(bindings).map(([port, list]) => [
      port,
      list === null || list.length === 0 ? [{ HostIp: "", HostPort: "" }] : list,
    ]),
  );
}

function warnOfEmptyBindings(bindings: PortBindings, minor: number): readonly string[] {
  const empty = Object.entries(bindings ?? {}).filter(([, list]) => list === null || list.length === 0);
  if (minor < 52 || empty.length === 0) return [];
  const ports = empty.map(([port]) => (port.includes("/") ? port : `${port}/tcp`)).sort();
  return [
    `Following container port(s) have an empty list of port-bindings: ${ports.join(", ")}. Such bindings will be discarded in a future version.`,
  ];
}

/** Options that a version does not have yet mean nothing in it. */
function adaptMount(mount: MountRequest, minor: number): MountRequest {
  if (minor < 45 && mount.VolumeOptions?.Subpath)
    throw invalid("VolumeOptions.Subpath needs API v1.45 or newer");
  if (minor < 48 && mount.Type === "image") throw invalid('Mount type "Image" needs API v1.48 or newer');
  if (mount.BindOptions === undefined || minor >= 44) return mount;
  const { CreateMountpoint, NonRecursive, ReadOnlyNonRecursive: _later, ...BindOptions } = mount.BindOptions;
  if (BindOptions.ReadOnlyForceRecursive === true)
    throw invalid("BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer");
  return {
    ...mount,
    BindOptions: {
      ...BindOptions,
      ...(NonRecursive !== undefined && minor >= 40 && { NonRecursive }),
      ...(CreateMountpoint !== undefined && minor >= 42 && { CreateMountpoint }),
    },
  };
}

type Network = Pick<CreateRequest, "config" | "hostConfig" | "endpoints">;
type AdaptedEndpoints = Pick<CreateRequest, "endpoints" | "warnings">;

function adaptEndpoints(request: Network, minor: number): AdaptedEndpoints {
  const { hostConfig } = request;
  const names = Object.keys(request.endpoints);
  if (minor < 44 && names.length > 1)
    throw invalid(`Container cannot be created with multiple network endpoints: ${names.join(", ")}`);
  // Docker's clients name the endpoint of the default network "default".
  const endpoints = Object.fromEntries(
    Object.entries(request.endpoints).map(([name, endpoint]) => [
      name === "default" ? hostConfig.NetworkMode : name,
      {
        ...endpoint,
        ...(minor < 44 && { MacAddress: "" }),
        ...(minor < 48 && { GwPriority: 0 }),
      },
    ]),
  );
  return minor < 52 ? adaptMacAddress({ ...request, endpoints }, minor) : { endpoints, warnings: [] };
}

/** Before 1.52 a container could have a MAC address, which is that of its endpoint on the main network. */
function adaptMacAddress({ config, hostConfig, endpoints }: Network, minor: number): AdaptedEndpoints {
  const mac = config.MacAddress ?? "";
  if (mac === "") return { endpoints, warnings: [] };
  const mode = hostConfig.NetworkMode;
  const hasAddress = mode !== "host" && mode !== "none" && containerOf(mode) === undefined;
  if (minor < 44 && !hasAddress) throw invalid("conflicting options: mac-address and the network mode");
  const warning =
    "The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.";
  const warnings = minor >= 44 ? [warning] : [];
  const own = endpoints[mode] ?? decodeEndpointConfigs({ x: {} }, "").x;
  if (!hasAddress || own === undefined) return { endpoints, warnings };
  if (own.MacAddress !== "" && own.MacAddress !== mac)
    throw invalid(
      "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty",
    );
  return { endpoints: { ...endpoints, [mode]: { ...own, MacAddress: mac } }, warnings };
}
