// The layer on a unix socket, for ctr, nerdctl, other daemons.

import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { openGrpcServer } from "#transport/grpc/server.ts";
import { serveContainers } from "./containers/server.ts";
import { serveContent } from "./content/server.ts";
import { serveDiff } from "./diff/server.ts";
import { serveEngine } from "./engine/server.ts";
import { serveEvents } from "./events/server.ts";
import { serveHealth } from "./health/server.ts";
import { serveImages } from "./images/server.ts";
import { serveIntrospection } from "./introspection/server.ts";
import { serveLeases } from "./leases/server.ts";
import { serveNamespaces } from "./namespaces/server.ts";
import { planErrorCodec } from "./plan-error-codec.ts";
import type { ContainerdServices } from "./services.ts";
import { serveSnapshots } from "./snapshots/server.ts";
import { AttachSockets } from "./tasks/attach-sockets.ts";
import { serveTasks } from "./tasks/server.ts";
import { serveVersion } from "./version/server.ts";

/** Serves until disposed. A socket that a killed daemon left is replaced; one in use rejects `conflict`. */
export function serveContainerd(services: ContainerdServices, socketPath: string): Promise<AsyncDisposable> {
  const sockets = new AttachSockets(join(dirname(socketPath), "attach"));
  const served = [
    serveContainers(services.containers),
    serveContent(services.content),
    serveDiff(services.diff),
    serveEngine(services.tasks, sockets),
    serveEvents(services.events),
    serveImages({ images: services.images, leases: services.leases }),
    serveIntrospection(installationId(socketPath), services.snapshots.name),
    serveLeases(services.leases),
    serveNamespaces(services.namespaces),
    serveSnapshots(services.snapshots),
    serveTasks(services),
    serveVersion(services),
  ];
  const health = serveHealth(served.map(({ service }) => service.typeName));
  return openGrpcServer(socketPath, [...served, health], { codec: planErrorCodec });
}

/** The same for every daemon on this socket. */
function installationId(socketPath: string): string {
  const hex = createHash("sha256").update(socketPath).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    "-",
  );
}
