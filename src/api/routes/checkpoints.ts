// Checkpoints are an experiment of Docker's: a daemon without --experimental answers as dockerd does. With it they are refused by name:
// a shim cannot be the parent of what criu restores.

import { EngineError, invalid, unsupported } from "#base/errors.ts";
import type { Route } from "../router.ts";

export interface ExperimentDeps {
  /** The daemon's setting, now. */
  readonly experimental: () => boolean;
}

const routes: readonly (readonly [Route["method"], string, string])[] = [
  ["GET", "/containers/:id/checkpoints", "docker checkpoint ls"],
  ["POST", "/containers/:id/checkpoints", "docker checkpoint create"],
  ["DELETE", "/containers/:id/checkpoints/:name", "docker checkpoint rm"],
];

export const checkpointRoutes = ({ experimental }: ExperimentDeps): readonly Route[] =>
  routes.map(([method, path, command]) => ({
    method,
    path,
    handle: async () => {
      throw experimental() ? unsupported(command) : disabled();
    },
  }));

const disabled = (): EngineError =>
  new EngineError(
    "unsupported",
    "This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.",
  );

/** `query`: of a start. */
export function refuseCheckpoint({ experimental }: ExperimentDeps, query: URLSearchParams): void {
  if (!query.get("checkpoint") && !query.get("checkpoint-dir")) return;
  if (query.get("checkpoint") && !experimental())
    throw invalid("checkpoint is only supported in experimental mode");
  throw unsupported("docker start --checkpoint");
}
