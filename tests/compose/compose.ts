// Debian's docker-compose 1.29 as its user has it: a project, a file of this folder, and an engine.

import type { Engine } from "../system/engine.ts";
import { must, type Result, run } from "../system/process.ts";

/** Since 1.45 neither dockerd nor we tell ContainerConfig of an image, which this compose reads when it makes a container anew. */
const API_VERSION = "1.44";

export interface Compose {
  /** Resolves with what it prints; rejects if it fails. */
  readonly compose: (...args: readonly string[]) => Promise<string>;
  readonly tryCompose: (...args: readonly string[]) => Promise<Result>;
}

/** `engine` is asked for at each command, as tests start it later. */
export function composeOf(engine: () => Engine, project: string, file: string): Compose {
  const command = (args: readonly string[]): readonly string[] => [
    ...["/usr/bin/docker-compose", "--ansi", "never", "-p", project],
    ...["-f", `${import.meta.dirname}/${file}`, ...args],
  ];
  const surroundings = () => ({
    env: { DOCKER_HOST: engine().host, COMPOSE_API_VERSION: API_VERSION },
    netns: engine().netns,
  });
  return {
    compose: (...args) => must(command(args), surroundings()),
    tryCompose: (...args) => run(command(args), surroundings()),
  };
}
