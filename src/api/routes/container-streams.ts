// What containers say and how they are: attach, logs, stats, top.

import { invalid } from "#base/errors.ts";
import { attachContainer } from "#engine/containers/attach.ts";
import { openLogs, parseLogTime, parseTail } from "#engine/containers/logs.ts";
import { streamStats } from "#engine/containers/stats.ts";
import { topContainer } from "#engine/containers/top.ts";
import type { ContainersDeps } from "#engine/containers/wiring.ts";
import { toHttpFailure } from "../failures.ts";
import { acceptedStream, frameJson } from "../json-streams.ts";
import { queryFlag } from "../query.ts";
import type { ApiCall, ApiResponse, Route } from "../router.ts";

const idOf = ({ params }: ApiCall): string => params.id ?? "";

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

export const containerStreamRoutes = (deps: ContainersDeps): readonly Route[] => [
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
