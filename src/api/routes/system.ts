// Routes about the engine as a whole: ping, version, info, events, disk usage, explain.

import { eventFilter } from "#engine/events/event-filter.ts";
import type { EngineEvent, EventBus } from "#engine/events/events.ts";
import { parseFilters } from "#engine/filters.ts";
import { publishPrune } from "#engine/pruning.ts";
import { type DiskUsage, parseUsageKinds } from "#engine/system/disk-usage.ts";
import { describeSystem, type InfoDeps } from "#engine/system/info.ts";
import type { StoreReport } from "#engine/system/store-check.ts";
import { describeVersion } from "#engine/system/version.ts";
import { encodeEvent } from "../event-encoding.ts";
import { parseEventRange } from "../event-range.ts";
import { acceptedStream, frameJson } from "../json-streams.ts";
import { queryFlag } from "../query.ts";
import type { ApiCall, ApiResponse, Route } from "../router.ts";
import { encodeUsage } from "../usage-encoding.ts";

export interface SystemRouteDeps extends InfoDeps {
  readonly bus: EventBus;
  readonly diskUsage: DiskUsage;
  /** The plan of the container that a create request asks for; nothing is made. */
  explain(request: unknown, call: ApiCall): Promise<readonly unknown[]>;
  checkStore(repair: boolean, signal: AbortSignal): Promise<StoreReport>;
}

const pingHeaders = {
  "Builder-Version": "1",
  "Cache-Control": "no-cache, no-store, must-revalidate",
  Pragma: "no-cache",
  Swarm: "inactive",
};

const ping = (text: string) => async (): Promise<ApiResponse> => ({
  kind: "text",
  status: 200,
  text,
  headers: pingHeaders,
});

export function systemRoutes(deps: SystemRouteDeps): Route[] {
  return [
    { method: "GET", path: "/_ping", handle: ping("OK") },
    { method: "HEAD", path: "/_ping", handle: ping("") },
    {
      method: "GET",
      path: "/version",
      handle: async () => ({ kind: "json", status: 200, value: await describeVersion(deps) }),
    },
    {
      method: "GET",
      path: "/info",
      handle: async ({ version }) => ({
        kind: "json",
        status: 200,
        value: await describeSystem(deps, version.minor),
      }),
    },
    // There is no builder and so no cache of one: `docker system prune` asks all the same.
    {
      method: "POST",
      path: "/build/prune",
      handle: async () => {
        publishPrune(deps.bus, "builder", 0);
        return { kind: "json", status: 200, value: { CachesDeleted: null, SpaceReclaimed: 0 } };
      },
    },
    { method: "GET", path: "/events", handle: (call) => streamEvents(deps, call) },
    {
      method: "GET",
      path: "/system/df",
      handle: async ({ query, version: { minor } }) => {
        const kinds = minor >= 42 ? parseUsageKinds(query.getAll("type")) : [];
        const report = await deps.diskUsage.report(kinds);
        const verbose = minor >= 52 && queryFlag(query, "verbose");
        return { kind: "json", status: 200, value: encodeUsage(report, { minor, verbose }) };
      },
    },
    {
      method: "POST",
      path: "/gantry/explain",
      handle: async (call) => ({
        kind: "json",
        status: 200,
        value: await deps.explain(await call.json(), call),
      }),
    },
    {
      method: "POST",
      path: "/gantry/check",
      handle: async ({ query, signal }) => ({
        kind: "json",
        status: 200,
        value: await deps.checkStore(queryFlag(query, "repair"), signal),
      }),
    },
  ];
}

async function streamEvents(deps: SystemRouteDeps, call: ApiCall): Promise<ApiResponse> {
  const range = parseEventRange(call.query);
  const wanted = eventFilter(parseFilters(call.query.get("filters")));
  const { minor } = call.version;
  // It was called JSON, though it is a stream of it.
  const unasked = minor < 52 ? "application/json" : "application/jsonl";
  const contentType = acceptedStream(call.headers.accept) ?? unasked;
  const events = deps.bus.watch(range, call.signal);
  return {
    kind: "stream",
    status: 200,
    contentType,
    chunks: encodeEvents(
      events,
      (event) => wanted(event) && isKnown(event, minor),
      (event) => frameJson(encodeEvent(event, minor), contentType),
    ),
  };
}

/** API 1.46 brought the creation of images. */
const isKnown = (event: EngineEvent, minor: number): boolean =>
  minor >= 46 || event.type !== "image" || event.action !== "create";

async function* encodeEvents(
  events: AsyncIterable<EngineEvent>,
  wanted: (event: EngineEvent) => boolean,
  encode: (event: EngineEvent) => string,
): AsyncGenerator<string> {
  for await (const event of events) if (wanted(event)) yield encode(event);
}
