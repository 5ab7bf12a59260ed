// The typed client of the Engine API for programs: import { connect } from "gantry/client".
//
//   using engine = connect("unix:///run/docker.sock");
//   await using cache = await engine.run({ image: "redis", ports: [6379] });

import { parseEndpoint, type TlsMaterial } from "#client/endpoint.ts";
import { connectEngine, type Engine } from "#client/engine.ts";
import type { RunOptions } from "#client/run-options.ts";
import { type RunningContainer, runContainer } from "#client/running-container.ts";

export type { ApiError, ConnectionError } from "#client/api-error.ts";
export type { TlsMaterial } from "#client/endpoint.ts";
export type { HealthCheck, RunOptions } from "#client/run-options.ts";
export type { Finished, RunningContainer } from "#client/running-container.ts";

export interface ConnectedEngine extends Engine {
  run(options: RunOptions, signal?: AbortSignal): Promise<RunningContainer>;
}

/** `host`: as DOCKER_HOST has it, of gantryd or dockerd. The first call connects. Throws in Docker's words if `host` is none. */
export function connect(host: string, tls?: TlsMaterial): ConnectedEngine {
  const engine = connectEngine({ endpoint: parseEndpoint(host, tls) });
  return { ...engine, run: (options, signal) => runContainer(engine, options, signal) };
}
