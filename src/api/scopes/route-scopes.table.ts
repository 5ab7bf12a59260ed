// What each route is for the sockets of a limited scope. A route that is not here is refused on all of them.

import type { Route } from "../router.ts";

/** What a label's owner may do:
 *  - open: tells nothing about anybody's objects
 *  - container, exec: on an own container, or an exec in one
 *  - create-exec: the same, without more rights than the container has
 *  - list, prune, events: of own containers only
 *  - no: refused */
export type LabelAccess = "open" | "container" | "exec" | "create-exec" | "list" | "prune" | "events" | "no";

export interface RouteScope {
  /** Whether who may only read may call it: it changes nothing, starts nothing, and hands out no files. */
  readonly read: boolean;
  readonly label: LabelAccess;
}

type Row = readonly [line: string, read: "read" | "-", label: LabelAccess];

const rows: readonly Row[] = [
  ["GET /_ping", "read", "open"],
  ["HEAD /_ping", "read", "open"],
  ["GET /version", "read", "open"],
  ["GET /info", "read", "no"],
  ["GET /events", "read", "events"],
  ["GET /system/df", "read", "no"],
  ["POST /gantry/explain", "-", "no"],
  ["POST /gantry/check", "-", "no"],
  ["GET /gantry/volumes/:name/export", "-", "no"],
  ["POST /gantry/volumes/:name/import", "-", "no"],
  ["POST /gantry/volumes/:name/clone", "-", "no"],
  ["POST /auth", "-", "no"],

  ["GET /containers/json", "read", "list"],
  ["POST /containers/create", "-", "no"],
  ["POST /containers/prune", "-", "prune"],
  ["GET /containers/:id/json", "read", "container"],
  ["GET /containers/:id/top", "read", "container"],
  ["GET /containers/:id/logs", "read", "container"],
  ["GET /containers/:id/stats", "read", "container"],
  ["GET /containers/:id/changes", "read", "container"],
  ["GET /containers/:id/export", "-", "container"],
  ["GET /containers/:id/archive", "-", "container"],
  ["HEAD /containers/:id/archive", "-", "container"],
  ["PUT /containers/:id/archive", "-", "container"],
  ["POST /containers/:id/copy", "-", "no"],
  ["GET /containers/:id/attach/ws", "-", "container"],
  ["POST /containers/:id/attach", "-", "container"],
  ["POST /containers/:id/start", "-", "container"],
  ["POST /containers/:id/stop", "-", "container"],
  ["POST /containers/:id/restart", "-", "container"],
  ["POST /containers/:id/kill", "-", "container"],
  ["POST /containers/:id/wait", "-", "container"],
  ["POST /containers/:id/pause", "-", "container"],
  ["POST /containers/:id/unpause", "-", "container"],
  ["POST /containers/:id/rename", "-", "container"],
  ["POST /containers/:id/resize", "-", "container"],
  ["DELETE /containers/:id", "-", "container"],
  ["POST /containers/:id/update", "-", "no"], // limits are what the owner was given
  ["GET /containers/:id/checkpoints", "-", "no"],
  ["POST /containers/:id/checkpoints", "-", "no"],
  ["DELETE /containers/:id/checkpoints/:name", "-", "no"],
  ["POST /commit", "-", "no"],

  ["POST /containers/:id/exec", "-", "create-exec"],
  ["POST /exec/:id/start", "-", "exec"],
  ["POST /exec/:id/resize", "-", "exec"],
  ["GET /exec/:id/json", "read", "exec"],

  ["GET /images/json", "read", "no"],
  ["GET /images/:name/json", "read", "no"],
  ["GET /images/:name/history", "read", "no"],
  ["GET /images/:name/attestations", "read", "no"],
  ["GET /images/get", "-", "no"],
  ["GET /images/:name/get", "-", "no"],
  ["GET /images/search", "-", "no"],
  ["GET /distribution/:name/json", "-", "no"],
  ["POST /images/create", "-", "no"],
  ["POST /images/load", "-", "no"],
  ["POST /images/prune", "-", "no"],
  ["POST /images/:name/tag", "-", "no"],
  ["POST /images/:name/push", "-", "no"],
  ["DELETE /images/:name", "-", "no"],

  ["GET /networks", "read", "no"],
  ["GET /networks/:id", "read", "no"],
  ["POST /networks/create", "-", "no"],
  ["POST /networks/prune", "-", "no"],
  ["POST /networks/:id/connect", "-", "no"],
  ["POST /networks/:id/disconnect", "-", "no"],
  ["DELETE /networks/:id", "-", "no"],

  ["GET /volumes", "read", "no"],
  ["GET /volumes/:name", "read", "no"],
  ["POST /volumes/create", "-", "no"],
  ["POST /volumes/prune", "-", "no"],
  ["PUT /volumes/:name", "-", "no"],
  ["DELETE /volumes/:name", "-", "no"],

  ["POST /build", "-", "no"],
  ["POST /build/cancel", "-", "no"],
  ["POST /build/prune", "-", "no"],
  ["POST /session", "-", "no"],
  ["POST /grpc", "-", "no"],

  ["GET /plugins", "read", "no"],
  ["GET /plugins/:name/json", "read", "no"],
  ["GET /plugins/privileges", "-", "no"],
  ["POST /plugins/pull", "-", "no"],
  ["POST /plugins/create", "-", "no"],
  ["DELETE /plugins/:name", "-", "no"],
  ["POST /plugins/:name/enable", "-", "no"],
  ["POST /plugins/:name/disable", "-", "no"],
  ["POST /plugins/:name/upgrade", "-", "no"],
  ["POST /plugins/:name/push", "-", "no"],
  ["POST /plugins/:name/set", "-", "no"],

  ["GET /swarm", "read", "no"],
  ["GET /swarm/unlockkey", "-", "no"],
  ["POST /swarm/init", "-", "no"],
  ["POST /swarm/join", "-", "no"],
  ["POST /swarm/leave", "-", "no"],
  ["POST /swarm/update", "-", "no"],
  ["POST /swarm/unlock", "-", "no"],
  ["GET /nodes", "read", "no"],
  ["GET /nodes/:id", "read", "no"],
  ["POST /nodes/:id/update", "-", "no"],
  ["DELETE /nodes/:id", "-", "no"],
  ["GET /services", "read", "no"],
  ["GET /services/:id", "read", "no"],
  ["GET /services/:id/logs", "read", "no"],
  ["POST /services/create", "-", "no"],
  ["POST /services/:id/update", "-", "no"],
  ["DELETE /services/:id", "-", "no"],
  ["GET /tasks", "read", "no"],
  ["GET /tasks/:id", "read", "no"],
  ["GET /tasks/:id/logs", "read", "no"],
  ["GET /secrets", "-", "no"],
  ["GET /secrets/:id", "-", "no"],
  ["POST /secrets/create", "-", "no"],
  ["POST /secrets/:id/update", "-", "no"],
  ["DELETE /secrets/:id", "-", "no"],
  ["GET /configs", "-", "no"],
  ["GET /configs/:id", "-", "no"],
  ["POST /configs/create", "-", "no"],
  ["POST /configs/:id/update", "-", "no"],
  ["DELETE /configs/:id", "-", "no"],
];

export const routeScopes: ReadonlyMap<string, RouteScope> = new Map(
  rows.map(([line, read, label]) => [line, { read: read === "read", label }]),
);

/** A parameter that takes slashes is written with a star in the routes; here it is not. */
export const findRouteScope = ({ method, path }: Pick<Route, "method" | "path">): RouteScope | undefined =>
  routeScopes.get(`${method} ${path.replaceAll("*", "")}`);
