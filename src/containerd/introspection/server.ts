// Tells clients which parts there are, under containerd's plugin names.

import { statSync } from "node:fs";
import { Introspection } from "#proto/gen/introspection_pb.ts";
import { type ServedService, serve } from "#transport/grpc/server.ts";
import { parseFilters, readerOf } from "../filters.ts";
import type { SnapshotterName } from "../snapshots/snapshotter-name.ts";

const services = [
  "containers",
  "content",
  "diff",
  "events",
  "images",
  "introspection",
  "leases",
  "namespaces",
  "snapshots",
  "tasks",
  "version",
];

const architectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
const platform = { os: "linux", architecture: architectures[process.arch] ?? process.arch };

const pluginsOf = (snapshotter: SnapshotterName) => [
  { type: "io.containerd.content.v1", id: "content" },
  { type: "io.containerd.snapshotter.v1", id: snapshotter, platforms: [platform] },
  { type: "io.containerd.differ.v1", id: "walking", platforms: [platform] },
  { type: "io.containerd.metadata.v1", id: "sqlite" },
  { type: "io.containerd.event.v1", id: "exchange" },
  { type: "io.containerd.gc.v1", id: "scheduler" },
  { type: "io.containerd.runtime.v2", id: "task", platforms: [platform] },
  ...services.map((id) => ({ type: "io.containerd.grpc.v1", id })),
];

/** `uuid` names this installation. */
export const serveIntrospection = (uuid: string, snapshotter: SnapshotterName): ServedService =>
  serve(Introspection, {
    plugins: async ({ filters }) => {
      const matches = parseFilters(filters);
      return {
        plugins: pluginsOf(snapshotter).filter(({ type, id }) => matches(readerOf({ type, id }, {}))),
      };
    },
    server: async () => ({
      uuid,
      pid: BigInt(process.pid),
      pidns: BigInt(statSync("/proc/self/ns/pid").ino),
    }),
  });
