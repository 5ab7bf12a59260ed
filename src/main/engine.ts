// dockerd's engine in one object: every layer is built here, once, and knows only what it is given.
//   kernel, containerd, networks -> images, volumes, containers -> what an earlier daemon left -> routes -> server

import { join } from "node:path";
import { Authorizer } from "#api/authorization/authorizer.ts";
import type { Route } from "#api/router.ts";
import { type ScopeLookups, scopedRoutes } from "#api/scopes/scoped-routes.ts";
import { ApiServer } from "#api/server.ts";
import { mayTakeOver } from "#api/taken-over.ts";
import { Background } from "#base/background.ts";
import { serveContainerd } from "#containerd/server.ts";
import { patience } from "#engine/containers/patience.ts";
import { restoreContainers, startByPolicy } from "#engine/containers/restore.ts";
import { stopAllContainers } from "#engine/containers/stop-all.ts";
import { pluginFolders } from "#engine/plugins/discover.ts";
import { readHostFacts } from "#libcontainer/host-facts.ts";
import type { Scope } from "#spec/scoped-host.ts";
import { type Address, HttpServer, type Serve } from "#transport/http/server.ts";
import type { LiveSettings } from "./daemon/live-settings.ts";
import type { Log } from "./daemon/log.ts";
import { currentRelease } from "./daemon/release.ts";
import { openLayers } from "./engine-layers.ts";
import { type Objects, openObjects } from "./engine-objects.ts";
import { engineRoutes } from "./engine-routes.ts";
import { resolveSeccomp } from "./resolve-seccomp.ts";

export interface Engine extends AsyncDisposable {
  /** Serves the API on one more address, or what a scope leaves of it; resolves with the port (0 for a unix socket). */
  listen(address: Address, scope?: Scope): Promise<number>;
  /** Rejects, and changes nothing, if one of them is not there. */
  useAuthorizationPlugins(names: readonly string[]): Promise<void>;
  /** The live settings have changed: to what, for the event that tells of it. */
  reloaded(attributes: Readonly<Record<string, string>>): void;
  /** Serves containerd's API on <exec root>/containerd.sock, if the layer is in this process. */
  serveContainerd(): Promise<void>;
  /** Serves metrics for Prometheus, and nothing else; resolves with the port. */
  listenMetrics(address: Address): Promise<number>;
  stopAccepting(): void;
  /** Within the shutdown timeout; nothing with live-restore. */
  stopContainers(): Promise<void>;
  /** Bridge and rules, too: for an engine that does not come back. */
  removeNetworks(): Promise<void>;
}

/** What was there before a crash is taken over or cleaned up before this resolves. */
export async function openEngine(live: LiveSettings, log: Log): Promise<Engine> {
  const settings = live.current;
  await using undo = new AsyncDisposableStack();
  const closing = new AbortController();
  const { signal } = closing;
  const report = (error: unknown): void => log.error("Background work failed", error);
  const warn = (message: string): void => log.warn(message);
  const background = new Background(report);
  const host = readHostFacts();
  const layers = undo.use(await openLayers({ live, log, host }, signal));
  const seccomp = resolveSeccomp(host);
  const objects = undo.use(await openObjects({ live, layers, background, report, warn, seccomp }, signal));
  const { containers } = objects;
  undo.defer(async () => {
    closing.abort(); // for when the restoring fails
    await background.drain();
  });
  await restoreContainers(containers);
  background.run(() => objects.volumes.releaseUnused());
  background.run(() => startByPolicy(containers, signal));

  const routes = engineRoutes({ live, layers, objects }, signal);
  const authorizer = new Authorizer(pluginFolders);
  await authorizer.use(settings.authorizationPlugins, signal);
  const openApi = (served: readonly Route[]) =>
    new ApiServer({
      routes: served,
      version: currentRelease().version,
      experimental: settings.experimental,
      minApiVersion: settings.minApiVersion,
      authorizer,
      observe: (route, seconds) => objects.metrics.observeRequest(route, seconds),
      log,
    });
  const api = openApi(routes);
  const server = undo.use(new HttpServer((exchange) => api.serve(exchange), mayTakeOver));
  undo.defer(() => closing.abort()); // requests that stream end before the server waits for them
  const cleanup = undo.move();
  return {
    listen: (address, scope) => {
      if (scope === undefined) return server.listen(address);
      const scoped = openApi(scopedRoutes(routes, scope, scopeLookups(containers)));
      return server.listen(address, (exchange) => scoped.serve(exchange));
    },
    listenMetrics: (address) => server.listen(address, serveMetrics(objects.metrics)),
    useAuthorizationPlugins: (names) => authorizer.use(names, signal),
    reloaded: (attributes) =>
      objects.events.publish({
        type: "daemon",
        action: "reload",
        actorId: objects.engineId,
        attributes,
      }),
    serveContainerd: async () => {
      if (settings.containerd !== "") return;
      cleanup.use(await serveContainerd(layers.containerd, join(settings.execRoot, "containerd.sock")));
    },
    stopAccepting: () => server.stopAccepting(),
    stopContainers: async () => {
      if (live.current.liveRestore) return;
      await stopAllContainers(containers, patience(live.current.shutdownTimeout * 1000));
    },
    removeNetworks: () => layers.networks.removeAll(),
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

const serveMetrics =
  (metrics: Objects["metrics"]): Serve =>
  async (exchange) => {
    exchange.discardBody();
    if (exchange.url.split("?")[0] === "/metrics" && exchange.method === "GET")
      exchange.send(200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" }, metrics.format());
    else exchange.send(404, { "Content-Type": "text/plain; charset=utf-8" }, "404 page not found\n");
  };

const scopeLookups = ({ containers, execs }: Objects["containers"]): ScopeLookups => ({
  container: (reference) => {
    const { id, record } = containers.get(reference);
    return { id, labels: record.config.Labels ?? {} };
  },
  exec: (id) => execs.get(id),
});
