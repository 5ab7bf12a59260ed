// What a program says of a container that it wants, and the request that this is in the Engine API.

import { invalid } from "#base/errors.ts";
import type { ContainerCreateRequest, HealthConfig, HostConfig } from "#spec/engine-api/definitions.table.ts";

export interface RunOptions {
  readonly image: string;
  /** The image's own by default. */
  readonly command?: readonly string[];
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Of the container, each published on 127.0.0.1 at a port that is free: 80, "53/udp". */
  readonly ports?: readonly (number | string)[];
  /** As `docker run -v` takes them: "name:/data", "/host/path:/data:ro". */
  readonly volumes?: readonly string[];
  /** Replaces the image's own. */
  readonly health?: HealthCheck;
  /** Everything else, in the Engine API's spelling; wins over what stands above. */
  readonly request?: Partial<ContainerCreateRequest>;
}

/** Times in milliseconds. */
export interface HealthCheck {
  /** A string is for the image's shell. */
  readonly command: string | readonly string[];
  readonly interval?: number;
  readonly timeout?: number;
  readonly retries?: number;
  readonly startPeriod?: number;
  readonly startInterval?: number;
}

/** "80/tcp". Throws `invalid`. */
export function portKey(port: number | string): string {
  const match = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(String(port));
  if (match === null) throw invalid(`invalid port: ${port}`);
  return `${match[1]}/${match[2] ?? "tcp"}`;
}

/** Throws `invalid`. */
export function createRequest(options: RunOptions): ContainerCreateRequest {
  const { command, env, health, ports = [], volumes = [] } = options;
  const { HostConfig: hostConfig, ...config } = options.request ?? {};
  const keys = ports.map(portKey);
  return {
    Image: options.image,
    ...(command !== undefined && { Cmd: command }),
    ...(env !== undefined && { Env: Object.entries(env).map(([name, value]) => `${name}=${value}`) }),
    ...(health !== undefined && { Healthcheck: healthConfig(health) }),
    ExposedPorts: Object.fromEntries(keys.map((key) => [key, {}])),
    ...config,
    HostConfig: { ...publish(keys), Binds: volumes, ...hostConfig },
  };
}

const publish = (keys: readonly string[]): Pick<HostConfig, "PortBindings"> => ({
  PortBindings: Object.fromEntries(keys.map((key) => [key, [{ HostIp: "127.0.0.1", HostPort: "" }]])),
});

const nanoseconds = (milliseconds: number): number => milliseconds * 1e6;

function healthConfig(health: HealthCheck): HealthConfig {
  const { command, interval, timeout, retries, startPeriod, startInterval } = health;
  return {
    Test: typeof command === "string" ? ["CMD-SHELL", command] : ["CMD", ...command],
    ...(interval !== undefined && { Interval: nanoseconds(interval) }),
    ...(timeout !== undefined && { Timeout: nanoseconds(timeout) }),
    ...(retries !== undefined && { Retries: retries }),
    ...(startPeriod !== undefined && { StartPeriod: nanoseconds(startPeriod) }),
    ...(startInterval !== undefined && { StartInterval: nanoseconds(startInterval) }),
  };
}
