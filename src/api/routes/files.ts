// The files of containers: archive, export, changes, commit. Parses, calls one verb, encodes.

import {
  type ArchiveDeps,
  checkPath,
  extractArchive,
  openArchive,
  statPath,
} from "#engine/containers/files/archive.ts";
import { type ChangesDeps, listContainerChanges } from "#engine/containers/files/changes.ts";
import { type CommitDeps, commitContainer } from "#engine/containers/files/commit.ts";
import { exportContainer } from "#engine/containers/files/export.ts";
import { decodeContainerConfig } from "#spec/container-config.ts";
import { queryFlag } from "../query.ts";
import type { ApiCall, ApiResponse, Route } from "../router.ts";

export type FileRouteDeps = ArchiveDeps & ChangesDeps & CommitDeps;

const idOf = ({ params }: ApiCall): string => params.id ?? "";
const pathOf = ({ query }: ApiCall): string => checkPath(query.get("path") ?? "");
const STAT = "X-Docker-Container-Path-Stat";
const encode = (stat: object): string => Buffer.from(JSON.stringify(stat)).toString("base64");

export const fileRoutes = (deps: FileRouteDeps): readonly Route[] => [
  {
    method: "HEAD",
    path: "/containers/:id/archive",
    handle: async (call) => {
      const stat = await statPath(deps, idOf(call), pathOf(call), call.signal);
      return { kind: "empty", status: 200, headers: { [STAT]: encode(stat) } };
    },
  },
  {
    method: "GET",
    path: "/containers/:id/archive",
    handle: async (call) => {
      const { stat, chunks } = await openArchive(deps, idOf(call), pathOf(call), call.signal);
      const headers = { [STAT]: encode(stat) };
      const contentType = "application/x-tar";
      return { kind: "stream", status: 200, contentType, chunks, headers, givenAway: true };
    },
  },
  { method: "PUT", path: "/containers/:id/archive", handle: (call) => extract(deps, call) },
  {
    method: "GET",
    path: "/containers/:id/export",
    handle: async (call) => ({
      kind: "stream",
      status: 200,
      contentType: "application/octet-stream",
      givenAway: true,
      chunks: await exportContainer(deps, idOf(call), call.signal),
    }),
  },
  {
    method: "GET",
    path: "/containers/:id/changes",
    handle: async (call) => ({
      kind: "stream",
      status: 200,
      contentType: "application/json",
      chunks: await listContainerChanges(deps, idOf(call), call.signal),
    }),
  },
  { method: "POST", path: "/commit", handle: (call) => commit(deps, call) },
];

async function extract(deps: FileRouteDeps, call: ApiCall): Promise<ApiResponse> {
  const options = {
    path: pathOf(call),
    noOverwriteDirNonDir: queryFlag(call.query, "noOverwriteDirNonDir"),
    body: call.body,
    copyUidGid: queryFlag(call.query, "copyUIDGID"),
  };
  await extractArchive(deps, idOf(call), options, call.signal);
  return { kind: "empty", status: 200 };
}

async function commit(deps: FileRouteDeps, call: ApiCall): Promise<ApiResponse> {
  const { query } = call;
  const text = (key: string): string => query.get(key) ?? "";
  const body = await call.json();
  const options = {
    repo: text("repo"),
    tag: text("tag"),
    author: text("author"),
    comment: text("comment"),
    pause: text("pause") === "" || queryFlag(query, "pause"),
    changes: query.getAll("changes"),
    config: body === undefined || body === null ? undefined : decodeContainerConfig(body, ""),
  };
  const id = await commitContainer(deps, text("container"), options, call.signal);
  return { kind: "json", status: 201, value: { Id: id } };
}
