// Containers on networks of users over a kill -9 of the daemon, by the real client.

import assert from "node:assert/strict";
import { test } from "node:test";
import { leftovers } from "../faults/leftovers.ts";
import { startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { must } from "../system/process.ts";

const skip = process.getuid?.() !== 0 && "needs root";

const PAGE = "mkdir /w; echo page >/w/index.html; exec httpd -f -h /w";

test("a running container keeps its networks and addresses over kill -9, and joins and leaves others after that", {
  skip,
}, async () => {
  await using engine = await startEngine();
  const docker = (...words: readonly string[]): Promise<string> => engine.docker(...words);
  await importBusybox(engine);
  await docker("network", "create", "--subnet", "10.46.0.0/24", "one");
  await docker("network", "create", "--subnet", "10.47.0.0/24", "--ipv6", "two");
  await docker(
    "run",
    "-d",
    "--name",
    "web",
    "--network",
    "one",
    "--network",
    "two",
    "-p",
    "8090:80",
    "busybox",
    "sh",
    "-c",
    PAGE,
  );
  const addresses = (): Promise<string> => docker("exec", "web", "ip", "-o", "addr");
  const known = await docker("inspect", "-f", "{{json .NetworkSettings.Networks}}", "web");
  const inside = await addresses();
  const ids = await docker("network", "ls", "-q", "--no-trunc");
  await engine.kill();
  await engine.restart();
  assert.equal(await addresses(), inside);
  assert.equal(await docker("inspect", "-f", "{{json .NetworkSettings.Networks}}", "web"), known);
  assert.equal(await docker("network", "ls", "-q", "--no-trunc"), ids);
  const fetch = (): Promise<string> =>
    must(["curl", "-sf", "http://127.0.0.1:8090/"], { netns: engine.netns });
  assert.equal((await fetch()).trim(), "page");
  const other = await docker(
    "run",
    "--rm",
    "--network",
    "one",
    "busybox",
    "sh",
    "-c",
    "hostname -i; wget -qO- http://web/",
  );
  assert.equal(other, "10.46.0.3\npage");
  await docker("network", "disconnect", "one", "web");
  assert.doesNotMatch(await addresses(), /10\.46\./);
  assert.equal((await fetch()).trim(), "page");
  await engine.kill();
  await engine.restart();
  await docker("network", "connect", "--ip", "10.46.0.77", "one", "web");
  await docker("restart", "-t", "0", "web");
  // The one of both families comes first.
  assert.match(await addresses(), /eth0 +inet 10\.47\.0\.2\/24(?:.|\n)*eth1 +inet 10\.46\.0\.77\/24/);
  assert.equal((await fetch()).trim(), "page");
  await docker("rm", "-f", "web");
  assert.equal(await docker("network", "prune", "-f"), "Deleted Networks:\none\ntwo");
  assert.deepEqual(await leftovers(engine), []);
  assert.doesNotMatch(await must(["ip", "-o", "link"], { netns: engine.netns }), /br-/);
});
