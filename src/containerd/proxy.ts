// The layer in another process: Gantry's own, or a real containerd.

import { Version } from "#proto/gen/version_pb.ts";
import { GrpcClient } from "#transport/grpc/client.ts";
import { noCheck } from "./check/local.ts";
import { createContainersProxy } from "./containers/proxy.ts";
import { createContentProxy } from "./content/proxy.ts";
import { createDiffProxy } from "./diff/proxy.ts";
import { createEventsProxy } from "./events/proxy.ts";
import { createImagesProxy } from "./images/proxy.ts";
import { createLeasesProxy } from "./leases/proxy.ts";
import { createNamespacesProxy } from "./namespaces/proxy.ts";
import { planErrorCodec } from "./plan-error-codec.ts";
import type { ContainerdServices } from "./services.ts";
import { createSnapshotsProxy } from "./snapshots/proxy.ts";
import type { SnapshotterName } from "./snapshots/snapshotter-name.ts";
import { createTasksProxy } from "./tasks/proxy.ts";

/**
 * Connects with the first call, and again whenever the connection is lost. Calls wait `patience` milliseconds for a server that
 * is not there; tasks.wait and subscriptions wait as long as it takes.
 */
export function connectContainerd(
  address: string,
  patience = 5000,
  snapshotter: SnapshotterName = "overlayfs",
): ContainerdServices {
  const client = new GrpcClient(address, { codec: planErrorCodec, patience });
  const versions = client.service(Version);
  return {
    content: createContentProxy(client),
    snapshots: createSnapshotsProxy(client, snapshotter),
    images: createImagesProxy(client),
    diff: createDiffProxy(client),
    leases: createLeasesProxy(client),
    containers: createContainersProxy(client),
    tasks: createTasksProxy(client),
    events: createEventsProxy(client),
    namespaces: createNamespacesProxy(client),
    check: noCheck,
    version: async () => {
      const { version, revision } = await versions.version({}, { metadata: {} });
      return { version, revision };
    },
    [Symbol.asyncDispose]: async () => client[Symbol.dispose](),
  };
}
