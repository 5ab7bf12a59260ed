// Routes of volumes.

import { isKind } from "#base/errors.ts";
import { parseFilters } from "#engine/filters.ts";
import { describeVolume } from "#engine/volumes/describe.ts";
import { listVolumes } from "#engine/volumes/list.ts";
import type { VolumePruner } from "#engine/volumes/prune.ts";
import type { Volumes } from "#engine/volumes/volumes.ts";
import { decodeBody } from "#spec/engine-api/decode.ts";
import { queryFlag } from "../query.ts";
import type { ApiCall, ApiResponse, Route } from "../router.ts";

export interface VolumeRouteDeps {
  readonly volumes: Pick<Volumes, "create" | "get" | "list" | "remove" | "usersOf">;
  readonly volumePruner: Pick<VolumePruner, "prune">;
}

const json = (value: unknown, status = 200): ApiResponse => ({ kind: "json", status, value });
const nameOf = ({ params }: ApiCall): string => params.name ?? "";

export function volumeRoutes(deps: VolumeRouteDeps): Route[] {
  return [
    {
      method: "GET",
      path: "/volumes",
      handle: async ({ query, signal }) => {
        const filters = parseFilters(query.get("filters"));
        const { volumes, warnings } = await listVolumes(deps.volumes, filters, signal);
        return json({
          Volumes: volumes.map(describeVolume),
          Warnings: warnings.length === 0 ? null : warnings,
        });
      },
    },
    {
      method: "GET",
      path: "/volumes/:name",
      handle: async (call) => json(describeVolume(await deps.volumes.get(nameOf(call), call.signal))),
    },
    { method: "POST", path: "/volumes/create", handle: (call) => create(deps, call) },
    { method: "POST", path: "/volumes/prune", handle: (call) => prune(deps, call) },
    { method: "DELETE", path: "/volumes/:name", handle: (call) => remove(deps, call) },
  ];
}

async function create(deps: VolumeRouteDeps, call: ApiCall): Promise<ApiResponse> {
  const body = decodeBody("VolumeCreateRequest", await call.json());
  const request = {
    name: body.Name ?? "",
    driver: body.Driver ?? "",
    labels: body.Labels ?? null,
    options: body.DriverOpts ?? null,
  };
  return json(describeVolume(await deps.volumes.create(request, call.signal)), 201);
}

async function prune(deps: VolumeRouteDeps, { query, version, signal }: ApiCall): Promise<ApiResponse> {
  const filters = parseFilters(query.get("filters"));
  const { deleted, reclaimed } = await deps.volumePruner.prune(filters, version.minor >= 42, signal);
  return json({ VolumesDeleted: deleted, SpaceReclaimed: reclaimed });
}

async function remove(deps: VolumeRouteDeps, call: ApiCall): Promise<ApiResponse> {
  const force = queryFlag(call.query, "force");
  try {
    await deps.volumes.remove(nameOf(call), force);
  } catch (error) {
    if (!(force && isKind(error, "notFound"))) throw error;
  }
  return { kind: "empty", status: 204 };
}
