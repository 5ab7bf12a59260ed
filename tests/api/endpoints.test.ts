// docs/engine-api.md is true: what works has routes, reads its parameters and is asked of a real dockerd; what is refused says so.

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Matcher } from "#api/matcher.ts";
import type { ApiCall, Route } from "#api/router.ts";
import { maxApiVersion } from "#spec/engine-api/versions.ts";
import { renderEndpoints, testsOf } from "./endpoint-document.ts";
import { endpointStates } from "./endpoint-states.table.ts";
import { type Endpoint, endpoints } from "./endpoints.table.ts";
import { walks } from "./requests.table.ts";

const root = join(import.meta.dirname, "../..");
const routeFiles = globSync("src/api/routes/!(*.test).ts", { cwd: root }).map((file) => join(root, file));

/** Of every file of routes; their handlers need not work. */
async function allRoutes(): Promise<readonly Route[]> {
  const modules: unknown[] = await Promise.all(routeFiles.map((file) => import(file)));
  return modules.flatMap((module) =>
    Object.entries(Object(module)).flatMap(([name, make]) =>
      name.endsWith("Routes") && typeof make === "function" ? make({ experimental: () => false }) : [],
    ),
  );
}

const minor = Number(maxApiVersion.split(".")[1]);
const routes = await allRoutes();
const matcher = new Matcher(routes);
const routeOf = ({ line }: Endpoint): Route | undefined => {
  const [method = "", path = ""] = line.split(" ");
  return matcher.find(method, path.replaceAll(/[{}]/g, ""), minor)?.route;
};
const stateOf = ({ line }: Endpoint) => endpointStates[line] ?? assert.fail(`${line} has no state`);
const sources = globSync("src/api/**/!(*.test).ts", { cwd: root })
  .map((file) => readFileSync(join(root, file), "utf8"))
  .join("");

/** Query parameters that are sent to the endpoint beside dockerd. */
function sentTo({ line }: Endpoint): ReadonlySet<string> | undefined {
  const [method = "", path = ""] = line.split(" ");
  const pattern = new RegExp(`^${path.replaceAll(/\{[^}]*\}/g, path === "/{anyroute}" ? ".+" : "[^/]+")}$`);
  const queries = Object.values(walks)
    .flat()
    .map(([asked]) => asked.split(" "))
    .filter(([verb, target = ""]) => verb === method && pattern.test(target.split("?")[0] ?? ""))
    .map(([, target = ""]) => new URLSearchParams(target.split("?")[1]));
  return queries.length === 0 ? undefined : new Set(queries.flatMap((query) => [...query.keys()]));
}

test("every endpoint of Docker has a state, and no other", () => {
  assert.deepEqual(Object.keys(endpointStates).toSorted(), endpoints.map(({ line }) => line).toSorted());
  for (const endpoint of endpoints)
    for (const name of Object.keys(stateOf(endpoint).params ?? {}))
      assert.ok(
        endpoint.params.some(([known]) => known === name),
        `${endpoint.line} has no ${name}`,
      );
});

for (const endpoint of endpoints.filter((one) => stateOf(one).state !== "refused"))
  test(`${endpoint.line} has a route that reads its parameters, and is compared with dockerd`, () => {
    assert.ok(endpoint.line.startsWith("OPTIONS") || routeOf(endpoint) !== undefined);
    const sent = sentTo(endpoint) ?? assert.fail("not in requests.table.ts");
    for (const [name] of endpoint.params) {
      const state = stateOf(endpoint).params?.[name];
      if (state?.state === "refused") continue;
      assert.ok(sent.has(name), `requests.table.ts does not send ${name}`);
      if (state?.note !== "means nothing, as with dockerd")
        assert.ok(sources.includes(`"${name}"`), `no route reads ${name}`);
    }
  });

const call = (query: string): ApiCall => ({
  params: {},
  query: new URLSearchParams(query),
  headers: {},
  version: { minor },
  body: (async function* () {})(),
  json: async () => ({}),
  signal: new AbortController().signal,
});

test("what is refused is refused in these words", async () => {
  for (const endpoint of endpoints.filter((one) => stateOf(one).state === "refused")) {
    const { note = "" } = stateOf(endpoint);
    const [, message = ""] = /"(.*?)"/.exec(note) ?? [];
    const route = routeOf(endpoint);
    if (route === undefined) assert.equal(message, "page not found", endpoint.line);
    else await assert.rejects(route.handle(call("")), { message });
  }
});

test("without --experimental a start from a checkpoint is refused, not begun without it", async () => {
  const start = routes.find(({ method, path }) => method === "POST" && path.endsWith("/start"));
  await assert.rejects(start?.handle(call("checkpoint=c1")) ?? assert.fail(), {
    kind: "invalid",
    message: "checkpoint is only supported in experimental mode",
  });
});

test("without --experimental there are no checkpoints", async () => {
  const checkpoints = routes.filter(({ path }) => path.includes("/checkpoints"));
  assert.equal(checkpoints.length, 3);
  for (const { handle } of checkpoints)
    await assert.rejects(handle(call("")), {
      kind: "unsupported",
      message:
        "This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.",
    });
});

test("every test that is named is there", () => {
  for (const endpoint of endpoints)
    for (const named of testsOf(stateOf(endpoint))) {
      const [file = "", ...title] = named.split(": ");
      const text = readFileSync(join(root, file), "utf8");
      assert.ok(text.includes(title.join(": ")), named);
    }
});

test("docs/engine-api.md is up to date (node tools/gen-endpoints.ts)", () => {
  assert.equal(readFileSync(join(root, "docs/engine-api.md"), "utf8"), renderEndpoints());
});
