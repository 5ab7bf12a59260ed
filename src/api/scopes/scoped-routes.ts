// The routes as a socket of limited scope has them: each is let through, narrowed, or refused.

import { isRecord } from "#base/decode.ts";
import { EngineError, invalid, isKind, notFound } from "#base/errors.ts";
import { parseFilters } from "#engine/filters.ts";
import type { Scope } from "#spec/scoped-host.ts";
import type { ApiCall, Route } from "../router.ts";
import { findRouteScope, type LabelAccess } from "./route-scopes.table.ts";

/** How names become the objects that they stand for; both throw `notFound`. */
export interface ScopeLookups {
  container(reference: string): { readonly id: string; readonly labels: Readonly<Record<string, string>> };
  exec(id: string): { readonly containerId: string };
}

type LabelScope = Extract<Scope, { readonly kind: "label" }>;

export const scopedRoutes = (
  routes: readonly Route[],
  scope: Scope,
  lookups: ScopeLookups,
): readonly Route[] => routes.map((route) => scopeRoute(route, scope, lookups));

function scopeRoute(route: Route, scope: Scope, lookups: ScopeLookups): Route {
  const row = findRouteScope(route);
  if (scope.kind === "read-only")
    return row?.read === true ? route : refused(route, "this socket is read-only");
  const narrow = narrowings[row?.label ?? "no"];
  if (narrow === undefined)
    return refused(route, `this socket is for containers with the label ${scope.name}=${scope.value} only`);
  return { ...route, handle: async (call) => route.handle(await narrow(call, scope, lookups)) };
}

const refused = (route: Route, why: string): Route => ({
  ...route,
  handle: () =>
    Promise.reject(new EngineError("forbidden", `${route.method} ${route.path.replaceAll("*", "")}: ${why}`)),
});

type Narrow = (call: ApiCall, scope: LabelScope, lookups: ScopeLookups) => ApiCall | Promise<ApiCall>;

const narrowings: Readonly<Record<LabelAccess, Narrow | undefined>> = {
  open: (call) => call,
  container: ownContainer,
  exec: ownExec,
  "create-exec": async (call, scope, lookups) => withoutPrivileges(await ownContainer(call, scope, lookups)),
  list: (call, scope) => filtered(call, scope, listFilters),
  prune: (call, scope) => filtered(call, scope, ["label", "label!", "until"]),
  events: (call, scope) =>
    filtered(call, scope, ["container", "event", "image", "label", "type"], ["container"]),
  no: undefined,
};

/** Not those that name other containers: an error would tell whether there are any of that name. */
const listFilters = ["ancestor", "exited", "expose", "health", "id", "label", "name", "publish", "status"];

const owns = ({ name, value }: LabelScope, labels: Readonly<Record<string, string>>): boolean =>
  Object.hasOwn(labels, name) && labels[name] === value;

/** What was looked at is what is used: from here on the container goes by its id. A foreign one is as good as none. */
function ownContainer(call: ApiCall, scope: LabelScope, lookups: ScopeLookups): ApiCall {
  const reference = call.params.id ?? "";
  const found = find(() => lookups.container(reference));
  if (found === undefined || !owns(scope, found.labels)) throw notFound("container", reference);
  return { ...call, params: { ...call.params, id: found.id } };
}

function ownExec(call: ApiCall, scope: LabelScope, lookups: ScopeLookups): ApiCall {
  const id = call.params.id ?? "";
  const exec = find(() => lookups.exec(id));
  const container = exec === undefined ? undefined : find(() => lookups.container(exec.containerId));
  if (container === undefined || !owns(scope, container.labels)) throw notFound("exec instance", id);
  return call;
}

function find<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch (error) {
    if (isKind(error, "notFound") || isKind(error, "conflict") || isKind(error, "invalid")) return undefined;
    throw error;
  }
}

/** The decoder takes keys in any case, as Go does. */
function withoutPrivileges(call: ApiCall): ApiCall {
  return {
    ...call,
    json: async () => {
      const body = await call.json();
      const asks = isRecord(body)
        ? Object.entries(body).some(([key, value]) => key.toLowerCase() === "privileged" && value !== false)
        : false;
      if (asks) throw new EngineError("forbidden", "this socket does not allow privileged exec");
      return body;
    },
  };
}

/** The call with the scope's label among its filters. `types`: of events. */
function filtered(
  call: ApiCall,
  scope: LabelScope,
  allowed: readonly string[],
  types?: readonly string[],
): ApiCall {
  const filters = parseFilters(call.query.get("filters"));
  const given = allowed.filter((key) => filters.has(key));
  const unknown = [...filters.keys()].find((key) => !allowed.includes(key));
  if (unknown !== undefined) throw invalid(`invalid filter '${unknown}'`);
  const query = new URLSearchParams(call.query);
  const fields = new Map(given.map((key) => [key, filters.values(key)]));
  fields.set("label", [...filters.values("label"), `${scope.name}=${scope.value}`]);
  if (types !== undefined) {
    if (!filters.matchExact("type", types[0] ?? ""))
      throw invalid("this socket has events of containers only");
    fields.set("type", types);
  }
  query.set("filters", JSON.stringify(Object.fromEntries(fields)));
  return { ...call, query };
}
