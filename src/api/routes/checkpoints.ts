// Checkpoints are an experiment of Docker's: a daemon without --experimental has none, and answers so.

import { boolean, object, string } from "#base/decode.ts";
import { EngineError, invalid } from "#base/errors.ts";
import {
  type CheckpointDeps,
  createCheckpoint,
  listCheckpoints,
  removeCheckpoint,
} from "#engine/containers/checkpoints.ts";
import type { StartFrom } from "#engine/containers/start.ts";
import type { ApiCall, ApiResponse, Route } from "../router.ts";

export interface ExperimentDeps {
  /** The daemon's setting, now. */
  readonly experimental: () => boolean;
}

const decodeRequest = object({}, { CheckpointID: string, CheckpointDir: string, Exit: boolean });

/** To come before the routes whose ids may hold slashes. */
export function checkpointRoutes(deps: CheckpointDeps & ExperimentDeps): readonly Route[] {
  const route = (
    method: Route["method"],
    path: string,
    handle: (call: ApiCall, container: string) => Promise<ApiResponse>,
  ): Route => ({
    method,
    path,
    handle: async (call) => {
      if (!deps.experimental()) throw disabled();
      return await handle(call, call.params.id ?? "");
    },
  });
  return [
    route("GET", "/containers/:id/checkpoints", async ({ query }, container) => {
      const names = await listCheckpoints(deps, container, query.get("dir") ?? "");
      return {
        kind: "json",
        status: 200,
        value: names.length === 0 ? null : names.map((Name) => ({ Name })),
      };
    }),
    route("POST", "/containers/:id/checkpoints", async (call, container) => {
      const body = await call.json();
      if (body === undefined) throw invalid("invalid JSON: got EOF while reading request body");
      const { CheckpointID: id = "", CheckpointDir: directory = "", Exit: exit } = decodeRequest(body, "");
      await createCheckpoint(deps, { container, id, directory }, exit === true);
      return { kind: "empty", status: 201 };
    }),
    route("DELETE", "/containers/:id/checkpoints/:name", async ({ params, query }, container) => {
      await removeCheckpoint(deps, { container, id: params.name ?? "", directory: query.get("dir") ?? "" });
      return { kind: "empty", status: 204 };
    }),
  ];
}

const disabled = (): EngineError =>
  new EngineError(
    "unsupported",
    "This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.",
  );

/** `query`: of a start. */
export function readStartFrom({ experimental }: ExperimentDeps, query: URLSearchParams): StartFrom {
  const checkpoint = query.get("checkpoint") ?? "";
  if (checkpoint !== "" && !experimental())
    throw invalid("checkpoint is only supported in experimental mode");
  return { checkpoint, directory: query.get("checkpoint-dir") ?? "" };
}
