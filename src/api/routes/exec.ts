// /exec: processes in running containers.

import { parseTerminalSize } from "#engine/containers/resize.ts";
import type { ContainersDeps } from "#engine/containers/wiring.ts";
import { createExec, decodeExecConfig } from "#engine/exec/create.ts";
import { inspectExec } from "#engine/exec/inspect.ts";
import { resizeExec } from "#engine/exec/resize.ts";
import { claimExec, decodeStartRequest, startAttached, startDetached } from "#engine/exec/start.ts";
import type { Route } from "../router.ts";
import { streamType } from "./container-streams.ts";

export const execRoutes = (deps: ContainersDeps): readonly Route[] => [
  {
    method: "POST",
    path: "/containers/:id*/exec",
    handle: async (call) => {
      const reference = call.params.id ?? "";
      deps.containers.get(reference); // an unknown one is told before a wrong body
      const config = decodeExecConfig(await call.json(), call.version.minor);
      return { kind: "json", status: 201, value: { Id: createExec(deps, reference, config) } };
    },
  },
  {
    method: "POST",
    path: "/exec/:id/start",
    handle: async (call) => {
      const request = decodeStartRequest(await call.json(), call.version.minor);
      const exec = claimExec(deps, call.params.id ?? "", request);
      if (request.detach) {
        await startDetached(deps, exec, deps.signal);
        return { kind: "empty", status: 200 };
      }
      const attached = startAttached(deps, exec);
      return {
        kind: "hijack",
        contentType: streamType(attached.tty, call.version.minor),
        serve: (socket) => attached.serve(socket),
      };
    },
  },
  {
    method: "POST",
    path: "/exec/:id/resize",
    handle: async ({ params, query }) => {
      await resizeExec(deps, params.id ?? "", parseTerminalSize(query.get("h"), query.get("w")));
      return { kind: "empty", status: 200 };
    },
  },
  {
    method: "GET",
    path: "/exec/:id/json",
    handle: async ({ params }) => ({ kind: "json", status: 200, value: inspectExec(deps, params.id ?? "") }),
  },
];
