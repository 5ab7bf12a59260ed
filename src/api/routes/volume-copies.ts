// Gantry's own routes of volumes: archives of them, and copies.

import { cloneVolume, exportVolume, importVolume, type VolumeCopyDeps } from "#engine/volumes/copies.ts";
import { describeVolume } from "#engine/volumes/describe.ts";
import { queryFlag } from "../query.ts";
import type { ApiCall, Route } from "../router.ts";

const nameOf = ({ params }: ApiCall): string => params.name ?? "";
/** True unless the client says no. */
const pauseOf = ({ query }: ApiCall): boolean =>
  (query.get("pause") ?? "") === "" || queryFlag(query, "pause");

export const volumeCopyRoutes = (deps: VolumeCopyDeps): readonly Route[] => [
  {
    method: "GET",
    path: "/gantry/volumes/:name/export",
    handle: async (call) => ({
      kind: "stream",
      status: 200,
      contentType: "application/x-tar",
      givenAway: true,
      chunks: await exportVolume(deps, { name: nameOf(call), pause: pauseOf(call) }, call.signal),
    }),
  },
  {
    method: "POST",
    path: "/gantry/volumes/:name/import",
    handle: async (call) => {
      const volume = await importVolume(deps, nameOf(call), call.body, call.signal);
      return { kind: "json", status: 200, value: describeVolume(volume) };
    },
  },
  {
    method: "POST",
    path: "/gantry/volumes/:name/clone",
    handle: async (call) => {
      const clone = { from: nameOf(call), to: call.query.get("to") ?? "", pause: pauseOf(call) };
      return {
        kind: "json",
        status: 201,
        value: describeVolume(await cloneVolume(deps, clone, call.signal)),
      };
    },
  },
];
