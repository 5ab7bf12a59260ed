// /containers: parses, calls one verb, encodes.

import { invalid } from "#base/errors.ts";
import { attachContainer } from "#engine/containers/attach.ts";
import { createContainer } from "#engine/containers/create.ts";
import { decodeCreateRequest } from "#engine/containers/create-request.ts";
import { inspectContainer } from "#engine/containers/inspect.ts";
import { killContainer } from "#engine/containers/kill.ts";
import { removeLink } from "#engine/containers/links.ts";
import { encodeContainers } from "#engine/containers/list.ts";
import { openLogs, parseLogTime, parseTail } from "#engine/containers/logs.ts";
import { pauseContainer, unpauseContainer } from "#engine/containers/pause.ts";
import { readPortChanges } from "#engine/containers/port-changes.ts";
import { removeContainer } from "#engine/containers/remove.ts";
import { renameContainer } from "#engine/containers/rename.ts";
import { parseTerminalSize, resizeContainer } from "#engine/containers/resize.ts";
import { startContainer } from "#engine/containers/start.ts";
import { streamStats } from "#engine/containers/stats.ts";
import { restartContainer, type StopOptions, stopContainer } from "#engine/containers/stop.ts";
import { topContainer } from "#engine/containers/top.ts";
import { decodeUpdateRequest, updateContainer } from "#engine/containers/update.ts";
import { refuseBesidePorts, updatePorts } from "#engine/containers/update-ports.ts";
import { parseWaitCondition, waitForContainer } from "#engine/containers/wait.ts";
import type { ContainersDeps } from "#engine/containers/wiring.ts";
import { parseFilters } from "#engine/filters.ts";
import { toHttpFailure } from "../failures.ts";
import { acceptedStream, frameJson } from "../json-streams.ts";
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
  ...streamRoutes(deps),
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

/** Since 1.42 a stream says whether it is framed. */
export const streamType = (tty: boolean, minor: number): string =>
  tty || minor < 42 ? "application/vnd.docker.raw-stream" : "application/vnd.docker.multiplexed-stream";

/** Docker has taken over the connection by then: its refusal is no JSON. */
function refusedAttach(error: unknown): ApiResponse {
  const { status, message } = toHttpFailure(error);
  const headers = { "Content-Type": "application/vnd.docker.raw-stream" };
  return { kind: "text", status, text: `${message}\r\n`, headers };
}

/** API 1.54: lines as JSON, for a client that asks for that or accepts no more than such a stream. */
function jsonLogType({ query, headers, version }: ApiCall): string | undefined {
  if (version.minor < 54) return undefined;
  const format = query.get("format") ?? "";
  if (format !== "" && format !== "json") throw invalid("unsupported log format");
  if (format === "") return acceptedStream(headers.accept);
  return acceptedStream(headers.accept, { ranges: true }) ?? "application/x-ndjson";
}

const streamRoutes = (deps: ContainersDeps): readonly Route[] => [
  {
    method: "POST",
    path: "/containers/:id*/attach",
    handle: async (call) => {
      const { query, version } = call;
      const asked = {
        stdin: queryFlag(query, "stdin"),
        stdout: queryFlag(query, "stdout"),
        stderr: queryFlag(query, "stderr"),
        logs: queryFlag(query, "logs"),
        stream: queryFlag(query, "stream"),
        detachKeys: query.get("detachKeys") ?? "",
      };
      try {
        const attachment = attachContainer(deps, idOf(call), asked);
        return {
          kind: "hijack",
          contentType: streamType(attachment.tty, version.minor),
          serve: (socket) => attachment.serve(socket, deps.signal),
        };
      } catch (error) {
        return refusedAttach(error);
      }
    },
  },
  {
    method: "GET",
    path: "/containers/:id*/stats",
    handle: async (call) => {
      const { query, version, signal } = call;
      const container = deps.containers.get(idOf(call));
      const request = {
        stream: !query.has("stream") || queryFlag(query, "stream"),
        oneShot: version.minor >= 41 && queryFlag(query, "one-shot"),
        minor: version.minor,
      };
      if (request.stream && request.oneShot) throw invalid("cannot have stream=true and one-shot=true");
      const chunks = streamStats(deps, container, request, signal);
      return { kind: "stream", status: 200, contentType: "application/json", chunks };
    },
  },
  {
    method: "GET",
    path: "/containers/:id*/top",
    handle: async (call) => ({
      kind: "json",
      status: 200,
      value: await topContainer(deps, idOf(call), call.query.get("ps_args") ?? ""),
    }),
  },
  {
    method: "GET",
    path: "/containers/:id*/logs",
    handle: async (call) => {
      const { query, version, signal } = call;
      const json = jsonLogType(call);
      const since = parseLogTime("since", query.get("since") ?? "");
      const until = parseLogTime("until", query.get("until") ?? "");
      const tail = parseTail(query.get("tail") ?? "all");
      const request = {
        stdout: queryFlag(query, "stdout"),
        stderr: queryFlag(query, "stderr"),
        timestamps: queryFlag(query, "timestamps"),
        details: queryFlag(query, "details"),
        follow: queryFlag(query, "follow"),
        range: {
          ...(since !== undefined && { since }),
          ...(until !== undefined && { until }),
        },
        tail,
        ...(json !== undefined && { frame: (text: string) => frameJson(text, json) }),
      };
      const { tty, chunks } = openLogs(deps, idOf(call), request, signal);
      const contentType = json ?? streamType(tty, version.minor);
      return { kind: "stream", status: 200, contentType, chunks };
    },
  },
];
