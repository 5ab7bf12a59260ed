// The walk of an introductory Docker course, with the real docker client, a real registry and a real web server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startEngine } from "./engine.ts";
import { importBusybox, importNginx } from "./images.ts";
import { startPeer } from "./peer.ts";
import { must, run } from "./process.ts";
import { startRegistry } from "./registry.ts";

const root = process.getuid?.() === 0;

/** Fills a registry with images through a real dockerd, the way a publisher would. */
async function publishImages(netns: string, address: string): Promise<void> {
  await using peer = await startPeer({ netns });
  await importBusybox(peer, `${address}/busybox:latest`);
  await importNginx(peer, `${address}/nginx:latest`);
  await peer.docker("push", `${address}/busybox:latest`);
  await peer.docker("push", `${address}/nginx:latest`);
}

test("the walk of an introductory course passes", { skip: !root && "needs root" }, async () => {
  await using engine = await startEngine();
  await using registry = await startRegistry(engine.netns);
  await publishImages(engine.netns, registry.address);
  const nginx = `${registry.address}/nginx`;
  const started = Math.floor(Date.now() / 1000) - 1;

  assert.match(await engine.docker("version", "--format", "{{.Server.Os}}"), /linux/);
  assert.match(await engine.docker("info"), /Server Version: /);

  const pulled = await engine.docker("pull", nginx);
  assert.match(pulled, /latest: Pulling from nginx/);
  assert.match(pulled, /Status: Downloaded newer image for 127\.0\.0\.1:5000\/nginx:latest/);
  assert.match(await engine.docker("images"), /127\.0\.0\.1:5000\/nginx +latest +[0-9a-f]{12}/);
  assert.match(await engine.docker("pull", nginx), /Image is up to date/);

  const hello = await engine.docker("run", `${registry.address}/busybox`, "echo", "Hello World");
  assert.match(hello, /Hello World$/);

  const id = await engine.docker("run", "-itd", "-p", "80:80", "--name", "webapp", nginx);
  assert.match(id, /^[0-9a-f]{64}$/);
  const page = await must(
    ["curl", "-sf", "--retry", "20", "--retry-connrefused", "--retry-delay", "0", "http://127.0.0.1/"],
    {
      netns: engine.netns,
    },
  );
  assert.match(page, /Welcome to nginx!/);
  assert.match(await engine.docker("ps"), /webapp/);
  assert.match(await engine.docker("port", "webapp"), /80\/tcp -> 0\.0\.0\.0:80/);
  assert.match(await engine.docker("logs", "webapp"), /"GET \/ HTTP\/1\.1" 200/);
  assert.match(await engine.docker("top", "webapp"), /nginx: worker process/);
  assert.match(await engine.docker("exec", "webapp", "ls", "/etc/nginx"), /nginx\.conf/);

  const now = Math.floor(Date.now() / 1000) + 1;
  const events = await engine.docker(
    "system",
    "events",
    "--since",
    `${started}`,
    "--until",
    `${now}`,
    "--filter",
    "type=image",
  );
  assert.match(events, /image pull 127\.0\.0\.1:5000\/nginx:latest/);
  assert.doesNotMatch(events, /container/);

  assert.match(await engine.docker("system", "df"), /Images +2 +2/);
  const conflict = await engine.tryDocker(["run", "--name", "webapp", nginx]);
  assert.equal(conflict.code, 125);
  assert.match(conflict.stderr, /Conflict\. The container name "\/webapp" is already in use/);

  assert.equal(await engine.docker("stop", "webapp"), "webapp");
  const refused = await run(["curl", "-s", "http://127.0.0.1/"], { netns: engine.netns });
  assert.notEqual(refused.code, 0);
  assert.match(await engine.docker("ps", "-a"), /webapp/);

  const pruned = await engine.docker("system", "prune", "--all", "--force");
  assert.match(pruned, /Deleted Containers:/);
  assert.match(pruned, /Deleted Images:/);
  assert.match(pruned, /Total reclaimed space: /);
  assert.equal(await engine.docker("ps", "-aq"), "");
  assert.equal(await engine.docker("images", "-q"), "");
});
