// Debian's docker-compose 1.29 with an application of three services, from up to down.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox, importNginx } from "../system/images.ts";
import { must } from "../system/process.ts";
import { composeOf } from "./compose.ts";

const skip = process.getuid?.() !== 0 && "needs root";

let engine: Engine;
before(async () => {
  if (skip) return;
  engine = await startEngine();
  await Promise.all([importBusybox(engine), importNginx(engine, "nginx:latest")]);
});
after(() => engine?.[Symbol.asyncDispose]());

const { compose, tryCompose } = composeOf(() => engine, "shop", "docker-compose.yml");

const inspect = (format: string, ...names: readonly string[]): Promise<string> =>
  engine.docker("inspect", "-f", format, ...names);
const names = async (...filters: readonly string[]): Promise<readonly string[]> =>
  (await engine.docker("ps", "--format", "{{.Names}}", ...filters)).split("\n").sort();

const fetchFrom = (service: string, name: string): Promise<string> =>
  compose("exec", "-T", service, "wget", "-qO-", `http://${name}/`);

test("docker-compose runs an application of three services", { skip }, async (t) => {
  await t.test("up starts each service when those that it depends on are healthy", async () => {
    await compose("up", "-d");
    assert.deepEqual(await names(), ["shop_client_1", "shop_store_1", "shop_web_1"]);
    const started = await inspect("{{.State.StartedAt}}", "shop_store_1", "shop_web_1", "shop_client_1");
    const [store = 0, web = 0, client = 0] = started.split("\n").map((time) => Date.parse(time));
    // The first one: later results push it out of the container's log.
    const health = await engine.docker(
      ...["events", "--since", "1", "--until", "0s", "--filter", "event=health_status: healthy"],
      ...["--filter", "container=shop_store_1", "--format", "{{.TimeNano}}"],
    );
    const passed = Number(health.split("\n")[0]) / 1e6;
    assert.ok(store < passed && passed < web && web < client, `${store} ${passed} ${web} ${client}`);
    const listed = await compose("ps");
    // As with dockerd, ports of a container that leads nowhere are not shown.
    assert.match(listed, /shop_store_1 .* Up \(healthy\) *$/m);
    assert.match(listed, /shop_web_1 .* Up \(healthy\) +0\.0\.0\.0:(\d+)->80\/tcp,:::\1->80\/tcp/);
  });

  await t.test("up once more changes nothing", async () => {
    const before = await inspect("{{.Id}} {{.State.StartedAt}}", ...(await names()));
    await compose("up", "-d");
    assert.equal(await inspect("{{.Id}} {{.State.StartedAt}}", ...(await names())), before);
  });

  await t.test(
    "services share the named volume and find each other by names, aliases and links",
    async () => {
      for (const name of ["web", "shop", "shop_web_1", "web.shop_default"])
        assert.equal(await fetchFrom("client", name), "page of the store\n", name);
      const find = (service: string, name: string) =>
        tryCompose("exec", "-T", service, "nslookup", "-type=a", name);
      for (const name of ["store", "db"])
        assert.match((await find("web", name)).stdout, /Name:\s+\w+\nAddress: 172\.\d+\.0\.\d+/, name);
      for (const name of ["store", "db"])
        assert.match((await find("client", name)).stdout, /can't find/, "it is on another network");
      assert.equal(await engine.docker("volume", "inspect", "-f", "{{.Labels.kind}}", "shop_data"), "shop");
      assert.equal((await tryCompose("exec", "-T", "store", "sh", "-c", "exit 7")).code, 7);
    },
  );

  await t.test("logs of all services, and of one", async () => {
    assert.match(await compose("logs", "--no-color"), /^client_1 +\| page of the store$/m);
    assert.match(await compose("logs", "--no-color", "--tail", "1", "web"), /^web_1 +\| .*GET \/ HTTP/m);
  });

  await t.test("a published port answers", async () => {
    const port = (await compose("port", "web", "80")).trim().split(":")[1];
    const page = await must(["curl", "-s", `http://127.0.0.1:${port}/`], { netns: engine.netns });
    assert.equal(page, "page of the store\n");
  });

  await t.test("scaling up and down", async () => {
    await compose("up", "-d", "--scale", "client=3");
    const clients = ["--filter", "label=kind=client"];
    assert.deepEqual(await names(...clients), ["shop_client_1", "shop_client_2", "shop_client_3"]);
    const replicas = await compose("exec", "-T", "web", "nslookup", "-type=a", "client");
    assert.equal(replicas.match(/^Name:\s+client$/gm)?.length, 3);
    await compose("up", "-d", "--scale", "client=2");
    assert.deepEqual(await names(...clients), ["shop_client_1", "shop_client_2"]);
  });

  await t.test("stop, start, kill, pause and restart", async () => {
    await compose("stop", "client");
    assert.equal(await inspect("{{.State.ExitCode}}", "shop_client_1", "shop_client_2"), "0\n0");
    await compose("start", "client");
    await compose("kill", "client");
    assert.equal(await inspect("{{.State.ExitCode}}", "shop_client_1"), "137");
    await compose("pause", "store");
    assert.equal(await inspect("{{.State.Status}}", "shop_store_1"), "paused");
    await compose("unpause", "store");
    const started = await inspect("{{.State.StartedAt}}", "shop_web_1");
    await compose("restart", "-t", "1", "web");
    assert.notEqual(await inspect("{{.State.StartedAt}}", "shop_web_1"), started);
    assert.match(await compose("top", "store"), /sleep 1000/);
  });

  await t.test("a command run once", async () => {
    assert.equal(await compose("run", "--rm", "--no-deps", "client", "echo", "once"), "once\n");
  });

  await t.test("a changed service is made anew, with its volume", async () => {
    const before = await inspect("{{.Id}}", "shop_store_1");
    await compose("up", "-d", "--force-recreate", "--no-deps", "-t", "1", "store");
    assert.notEqual(await inspect("{{.Id}}", "shop_store_1"), before);
    assert.equal(await compose("exec", "-T", "store", "cat", "/data/index.html"), "page of the store\n");
  });

  await t.test("down takes everything away", async () => {
    await compose("down", "-v", "-t", "1");
    assert.equal(await engine.docker("ps", "-aq"), "");
    assert.equal(await engine.docker("volume", "ls", "-q"), "");
    assert.equal(await engine.docker("network", "ls", "-q", "--filter", "type=custom"), "");
  });
});
