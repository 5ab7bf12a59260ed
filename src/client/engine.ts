// The public client, `gantry/client`: an engine's nouns over one connection.
//
//   using engine = connectEngine({ endpoint: parseEndpoint("unix:///run/gantry/docker.sock") });
//   await engine.containers.list({ all: true }, AbortSignal.timeout(5000));

import { Checkpoints } from "./checkpoints.ts";
import { Containers } from "./containers.ts";
import { EngineClient, type EngineClientOptions } from "./engine-client.ts";
import { Execs } from "./execs.ts";
import { Images } from "./images.ts";
import { Networks } from "./networks.ts";
import { System } from "./system.ts";
import { Volumes } from "./volumes.ts";

export interface Engine extends Disposable {
  readonly client: EngineClient;
  readonly checkpoints: Checkpoints;
  readonly containers: Containers;
  readonly execs: Execs;
  readonly images: Images;
  readonly networks: Networks;
  readonly system: System;
  readonly volumes: Volumes;
}

/** Opens nothing yet: the first call connects. The caller disposes the engine. */
export function connectEngine(options: EngineClientOptions): Engine {
  const client = new EngineClient(options);
  return {
    client,
    checkpoints: new Checkpoints(client),
    containers: new Containers(client),
    execs: new Execs(client),
    images: new Images(client),
    networks: new Networks(client),
    system: new System(client),
    volumes: new Volumes(client),
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}
