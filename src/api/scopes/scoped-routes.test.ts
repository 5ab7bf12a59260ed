import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { notFound } from "#base/errors.ts";
import type { Scope } from "#spec/scoped-host.ts";
import type { ApiCall, Route } from "../router.ts";
import { findRouteScope, routeScopes } from "./route-scopes.table.ts";
import { type ScopeLookups, scopedRoutes } from "./scoped-routes.ts";

const folder = join(import.meta.dirname, "../routes");

/** Of every file of routes; their handlers are not called. */
async function allRoutes(): Promise<readonly Route[]> {
  const files = readdirSync(folder).filter((name) => /^[a-z-]+\.ts$/.test(name));
  const modules: unknown[] = await Promise.all(files.map((name) => import(join(folder, name))));
  return modules.flatMap((module) =>
    Object.entries(Object(module)).flatMap(([name, make]) =>
      name.endsWith("Routes") && typeof make === "function" ? make({}) : [],
    ),
  );
}

const lineOf = ({ method, path }: Route): string => `${method} ${path}`;

test("every route is classified", async () => {
  const routes = await allRoutes();
  assert.ok(routes.length > 80);
  assert.deepEqual(routes.filter((route) => findRouteScope(route) === undefined).map(lineOf), []);
});

test("nothing but GET and HEAD is there for a reader", () => {
  const lines = [...routeScopes].filter(([, { read }]) => read).map(([line]) => line);
  assert.deepEqual(
    lines.filter((line) => !/^(GET|HEAD) /.test(line)),
    [],
  );
});

test("what a label's owner reaches goes by a container or is narrowed", () => {
  for (const [line, { label }] of routeScopes) {
    if (label === "container" || label === "create-exec") assert.match(line, /\/containers\/:id/);
    if (label === "exec") assert.match(line, /\/exec\/:id/);
    if (label === "open") assert.match(line, /\/(_ping|version)$/);
  }
});

const mine = { id: "a".repeat(64), labels: { team: "web" } };
const theirs = { id: "b".repeat(64), labels: { team: "db" } };
const lookups: ScopeLookups = {
  container: (reference) => {
    const found = [mine, theirs].find(({ id }) => id.startsWith(reference));
    if (found === undefined) throw notFound("container", reference);
    return found;
  },
  exec: (id) => ({ containerId: id === "mine" ? mine.id : theirs.id }),
};
const labelled: Scope = { kind: "label", name: "team", value: "web" };

interface Request {
  readonly line: string;
  readonly id?: string;
  readonly filters?: unknown;
  readonly body?: unknown;
}

/** What the route's own handler is called with. */
async function callScoped(scope: Scope, { line, id = "", filters, body }: Request): Promise<ApiCall> {
  const seen = Promise.withResolvers<ApiCall>();
  const [method, path = ""] = line.split(" ");
  const route: Route = {
    method: method === "GET" ? "GET" : "POST",
    path,
    handle: async (call) => {
      await call.json();
      seen.resolve(call);
      return { kind: "empty", status: 204 };
    },
  };
  const query = new URLSearchParams(filters === undefined ? {} : { filters: JSON.stringify(filters) });
  const { signal } = new AbortController();
  const given = { params: { id }, query, headers: {}, version: { minor: 50 }, body: nothing(), signal };
  await scopedRoutes([route], scope, lookups)[0]?.handle({ ...given, json: async () => body });
  return seen.promise;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

test("a reader reads, and does nothing else", async () => {
  await callScoped({ kind: "read-only" }, { line: "GET /containers/json" });
  for (const line of ["POST /containers/:id/start", "GET /containers/:id/archive", "GET /not/known"])
    await assert.rejects(callScoped({ kind: "read-only" }, { line }), { kind: "forbidden" });
});

test("an own container is reached, by the id that was looked at", async () => {
  const call = await callScoped(labelled, { line: "POST /containers/:id/stop", id: "aaa" });
  assert.equal(call.params.id, mine.id);
});

test("a foreign container is as good as none", async () => {
  for (const id of ["bbb", "ccc"])
    await assert.rejects(callScoped(labelled, { line: "GET /containers/:id/json", id }), {
      kind: "notFound",
      message: `No such container: ${id}`,
    });
  await callScoped(labelled, { line: "POST /exec/:id/start", id: "mine" });
  await assert.rejects(callScoped(labelled, { line: "POST /exec/:id/start", id: "other" }), {
    kind: "notFound",
  });
});

for (const line of [
  "POST /containers/create",
  "GET /info",
  "GET /images/json",
  "POST /commit",
  "GET /not/known",
]) {
  test(`${line} is not for a label's owner`, async () => {
    await assert.rejects(callScoped(labelled, { line }), {
      kind: "forbidden",
      message: /label team=web only/,
    });
  });
}

for (const key of ["Privileged", "privileged", "PRIVILEGED"]) {
  test(`an exec that is ${key} is refused`, async () => {
    const request = { line: "POST /containers/:id/exec", id: "aaa" };
    await assert.rejects(callScoped(labelled, { ...request, body: { [key]: true } }), { kind: "forbidden" });
    await callScoped(labelled, { ...request, body: { [key]: false } });
  });
}

test("a list, a prune and events have own containers only, whatever is asked for", async () => {
  for (const line of ["GET /containers/json", "POST /containers/prune"]) {
    const { query } = await callScoped(labelled, { line, filters: { label: { "team=db": true } } });
    assert.deepEqual(JSON.parse(query.get("filters") ?? ""), { label: ["team=db", "team=web"] });
  }
  const { query } = await callScoped(labelled, { line: "GET /events" });
  assert.deepEqual(JSON.parse(query.get("filters") ?? ""), { label: ["team=web"], type: ["container"] });
  await assert.rejects(callScoped(labelled, { line: "GET /events", filters: { type: ["image"] } }));
  await assert.rejects(callScoped(labelled, { line: "GET /containers/json", filters: { before: ["b"] } }), {
    message: "invalid filter 'before'",
  });
});
