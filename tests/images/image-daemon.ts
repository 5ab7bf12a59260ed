// The image half of the engine on a unix socket of its own: containerd layer, image verbs and routes, nothing that runs containers.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { imageRoutes } from "#api/routes/images.ts";
import { registryRoutes } from "#api/routes/registry.ts";
import { ApiServer } from "#api/server.ts";
import { openSystemClock } from "#base/clock.ts";
import type { ContentStore } from "#containerd/content/content.ts";
import type { DiffService } from "#containerd/diff/diff.ts";
import { createLocalContainerd } from "#containerd/local.ts";
import type { ProxySettings } from "#containerd/registry/proxies.ts";
import type { ContainerdServices } from "#containerd/services.ts";
import { FakeShims } from "#containerd/testing/fake-shims.ts";
import type { EventBus } from "#engine/events/events.ts";
import { EventJournal } from "#engine/events/journal.ts";
import { JournaledEvents } from "#engine/events/journaled.ts";
import type { ImageUser } from "#engine/images/image-deps.ts";
import { type Images, openImages } from "#engine/images/open-images.ts";
import { HttpServer } from "#transport/http/server.ts";

export interface ImageDaemonOptions {
  /** Go on with what an earlier daemon left there, and leave it. */
  readonly folder?: string;
  readonly certsDir?: string;
  readonly insecureRegistries?: readonly string[];
  readonly mirrors?: readonly string[];
  readonly proxies?: ProxySettings;
  readonly users?: readonly ImageUser[];
  readonly openDiff: (content: ContentStore, folder: string) => DiffService;
}

export interface ImageDaemon extends AsyncDisposable {
  readonly folder: string;
  readonly socket: string;
  readonly images: Images;
  readonly events: EventBus;
  readonly services: ContainerdServices;
}

export async function startImageDaemon(options: ImageDaemonOptions): Promise<ImageDaemon> {
  await using undo = new AsyncDisposableStack();
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "gantry-images-")));
  if (options.folder === undefined) undo.defer(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "run"), { recursive: true });
  const services = undo.use(
    await createLocalContainerd({
      root: join(folder, "root"),
      execRoot: join(folder, "run"),
      shims: new FakeShims(),
      openDiff: (content) => options.openDiff(content, folder),
    }),
  );
  const clock = openSystemClock();
  const events = new JournaledEvents({
    clock,
    journal: new EventJournal(":memory:", 1000),
    report: assert.ifError,
  });
  const images = openImages({
    services,
    events,
    clock,
    users: () => options.users ?? [],
    registries: {
      insecureRegistries: options.insecureRegistries ?? [],
      mirrors: options.mirrors ?? [],
      certsDirs: options.certsDir === undefined ? [] : [options.certsDir],
    },
    maxDownloads: 3,
    maxDownloadAttempts: 5,
    maxUploads: 5,
    retryDelayMs: 20,
    proxies: options.proxies ?? { httpProxy: "", httpsProxy: "", noProxy: "" },
    maxDecompressionRatio: 0,
    signaturePolicy: "",
    dataRoot: folder,
    userAgent: "gantry-test",
  });
  const log = {
    debug: () => undefined,
    error: (message: string, error: unknown) => console.error(message, error),
  };
  const ping = {
    method: "GET" as const,
    path: "/_ping",
    handle: async () => ({ kind: "text" as const, status: 200, text: "OK" }),
  };
  const routes = [
    ping,
    { ...ping, method: "HEAD" as const },
    ...imageRoutes({ images: images.deps, pruner: images.pruner }),
    ...registryRoutes(images.deps),
  ];
  const api = new ApiServer({ version: "test", log, routes });
  const http = undo.use(new HttpServer((exchange) => api.serve(exchange)));
  const socket = join(folder, "docker.sock");
  await http.listen({ kind: "unix", path: socket });
  const closing = undo.move();
  return { folder, socket, images, events, services, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}
