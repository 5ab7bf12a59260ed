// /containers: parses, calls one verb, encodes. container-streams.ts has what goes on for as long as a container does.

import { invalid } from "#base/errors.ts";
import { createContainer } from "#engine/containers/create.ts";
import { decodeCreateRequest } from "#engine/containers/create-request.ts";
import { inspectContainer } from "#engine/containers/inspect.ts";
import { killContainer } from "#engine/containers/kill.ts";
import { removeLink } from "#engine/containers/links.ts";
import { encodeContainers } from "#engine/containers/list.ts";
import { pauseContainer, unpauseContainer } from "#engine/containers/pause.ts";
import { readPortChanges } from "#engine/containers/port-changes.ts";
import { removeContainer } from "#engine/containers/remove.ts";
import { renameContainer } from "#engine/containers/rename.ts";
import { parseTerminalSize, resizeContainer } from "#engine/containers/resize.ts";
import { startContainer } from "#engine/containers/start.ts";
import { restartContainer, type StopOptions, stopContainer } from "#engine/containers/stop.ts";
import { decodeUpdateRequest, updateContainer } from "#engine/containers/update.ts";
import { refuseBesidePorts, updatePorts } from "#engine/containers/update-ports.ts";
import { parseWaitCondition, waitForContainer } from "#engine/containers/wait.ts";
import type { ContainersDeps } from "#engine/containers/wiring.ts";
import { parseFilters } from "#engine/filters.ts";
import { queryFlag, queryNumber } from "../query.ts";
import type { ApiCall, ApiResponse, Route } from "../router.ts";
import { type ExperimentDeps, readStartFrom } from "./checkpoints.ts";

const noContent: ApiResponse = { kind: "empty", status: 204 };
const idOf = ({ params }: ApiCall): string => params.id ?? "";

export const containerRoutes = (deps: ContainersDeps & ExperimentDeps): readonly Route[] => [
  {
    method: "GET",
    path: "/containers/json",
    handle: async ({ query, version, signal }) => {
      const options = {
        all: queryFlag(query, "all"),
        limit: Math.max(0, queryNumber(query, "limit") ?? 0),
        size: queryFlag(query, "size"),
        filters: parseFilters(query.get("filters")),
        minor: version.minor,
      };
      return { kind: "encoded", status: 200, text: await encodeContainers(deps, options, signal) };
    },
  },
  {
    method: "POST",
    path: "/containers/create",
    handle: async (call) => {
      const { query, version, signal } = call;
      const asked = { name: query.get("name") ?? "", platform: query.get("platform") ?? "" };
      const request = decodeCreateRequest(await call.json(), asked, version.minor);
      const { id, warnings } = await createContainer(deps, request, version.minor, signal);
      return { kind: "json", status: 201, value: { Id: id, Warnings: warnings } };
    },
  },
  {
    method: "GET",
    path: "/containers/:id*/json",
    handle: async (call) => {
      const options = { size: queryFlag(call.query, "size"), minor: call.version.minor };
      return { kind: "json", status: 200, value: await inspectContainer(deps, idOf(call), options) };
    },
  },
  {
    method: "POST",
    path: "/containers/:id*/start",
    handle: async (call) => {
      await refuseBody(call);
      const from = readStartFrom(deps, call.query);
      await startContainer(deps, deps.containers.get(idOf(call)), call.signal, from);
      return noContent;
    },
  },
  ...endingRoutes(deps),
  ...changingRoutes(deps),
];

async function refuseBody(call: ApiCall): Promise<void> {
  const length = Number(call.headers["content-length"] ?? 0);
  if (length > 0 || call.headers["transfer-encoding"] !== undefined)
    throw invalid(
      "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
    );
}

function stopOptions({ query, version }: ApiCall): StopOptions {
  return {
    signal: version.minor >= 42 ? (query.get("signal") ?? "") : "",
    timeout: queryNumber(query, "t"),
  };
}

const endingRoutes = (deps: ContainersDeps): readonly Route[] => [
  {
    method: "POST",
    path: "/containers/:id*/stop",
    handle: async (call) => {
      await stopContainer(deps, idOf(call), stopOptions(call), call.signal);
      return noContent;
    },
  },
  {
    method: "POST",
    path: "/containers/:id*/restart",
    handle: async (call) => {
      await restartContainer(deps, idOf(call), stopOptions(call), call.signal);
      return noContent;
    },
  },
  {
    method: "POST",
    path: "/containers/:id*/kill",
    handle: async (call) => {
      await killContainer(deps, idOf(call), call.query.get("signal") ?? "", call.signal);
      return noContent;
    },
  },
  {
    method: "POST",
    path: "/containers/:id*/wait",
    handle: async ({ params, query, version, signal }) => {
      const container = deps.containers.get(params.id ?? "");
      const condition = version.minor < 30 ? "not-running" : parseWaitCondition(query.get("condition") ?? "");
      const exit = waitForContainer(container, condition, signal);
      if (version.minor < 30)
        return { kind: "json", status: 200, value: { Error: null, StatusCode: await exit } };
      // The headers go at once: docker run does not start the container before it has them.
      const chunks = (async function* () {
        const code = await exit;
        yield `${JSON.stringify({ ...(version.minor < 42 && { Error: null }), StatusCode: code })}\n`;
      })();
      return { kind: "stream", status: 200, contentType: "application/json", chunks };
    },
  },
  {
    method: "DELETE",
    path: "/containers/:id*",
    handle: async (call) => {
      const options = { force: queryFlag(call.query, "force"), volumes: queryFlag(call.query, "v") };
      if (queryFlag(call.query, "link")) removeLink(deps.containers, idOf(call));
      else await removeContainer(deps, idOf(call), options, call.signal);
      return noContent;
    },
  },
  {
    method: "POST",
    path: "/containers/prune",
    handle: async ({ query, signal }) => {
      const { deleted, reclaimed } = await deps.pruner.prune(parseFilters(query.get("filters")), signal);
      const value = { ContainersDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimed };
      return { kind: "json", status: 200, value };
    },
  },
];

const changingRoutes = (deps: ContainersDeps): readonly Route[] => [
  {
    method: "POST",
    path: "/containers/:id*/pause",
    handle: async (call) => {
      await pauseContainer(deps, idOf(call));
      return noContent;
    },
  },
  {
    method: "POST",
    path: "/containers/:id*/unpause",
    handle: async (call) => {
      await unpauseContainer(deps, idOf(call));
      return noContent;
    },
  },
  {
    method: "POST",
    path: "/containers/:id*/rename",
    handle: async (call) => {
      await renameContainer(deps, idOf(call), call.query.get("name") ?? "");
      return noContent;
    },
  },
  {
    method: "POST",
    path: "/containers/:id*/update",
    handle: async (call) => {
      const { minor } = call.version;
      const request = decodeUpdateRequest(await call.json(), minor);
      const changes = readPortChanges(request);
      if (changes !== undefined) {
        refuseBesidePorts(request);
        const PortBindings = await updatePorts(deps, idOf(call), changes);
        return { kind: "json", status: 200, value: { Warnings: null, PortBindings } };
      }
      const warnings = await updateContainer(deps, idOf(call), request, minor);
      return { kind: "json", status: 200, value: { Warnings: warnings.length === 0 ? null : warnings } };
    },
  },
  {
    method: "POST",
    path: "/containers/:id*/resize",
    handle: async (call) => {
      const size = parseTerminalSize(call.query.get("h"), call.query.get("w"));
      await resizeContainer(deps, idOf(call), size);
      return { kind: "empty", status: 200 };
    },
  },
];
