// Debian's docker-compose 1.29 with networks of an application's own.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { composeOf } from "./compose.ts";

const skip = process.getuid?.() !== 0 && "needs root";

let engine: Engine;
before(async () => {
  if (skip) return;
  engine = await startEngine();
  await importBusybox(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const { compose } = composeOf(() => engine, "nets", "networks.yml");
const fetchFrom = (service: string, host: string): Promise<string> =>
  engine.docker("exec", `nets_${service}_1`, "wget", "-qO-", `http://${host}/`);
const networks = async (): Promise<readonly string[]> =>
  (await engine.docker("network", "ls", "--filter", "type=custom", "--format", "{{.Name}}"))
    .split("\n")
    .sort();

test("docker-compose makes networks, and its services find each other on them only", { skip }, async () => {
  await engine.docker("network", "create", "shop-outside");
  await compose("up", "-d");
  assert.deepEqual(await networks(), ["nets_back", "nets_front", "shop-outside"]);
  assert.equal(
    await engine.docker(
      ...["network", "inspect", "nets_back", "-f"],
      "{{.Internal}} {{json .IPAM.Config}} {{json .Options}}",
    ),
    'true [{"Subnet":"10.44.0.0/24","IPRange":"10.44.0.128/25","Gateway":"10.44.0.1"}] {"com.docker.network.driver.mtu":"1400"}',
  );
  for (const name of ["store", "database", "10.44.0.10"])
    assert.equal((await fetchFrom("web", name)).trim(), "page of the store", name);
  await assert.rejects(fetchFrom("client", "store"), /bad address/);
  await engine.docker("exec", "nets_client_1", "nslookup", "www");
  const web = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}";
  assert.equal(await engine.docker("inspect", "-f", web, "nets_web_1"), "nets_back nets_front shop-outside");
  const ids = await engine.docker("network", "ls", "-q", "--no-trunc");
  await compose("up", "-d");
  assert.equal(await engine.docker("network", "ls", "-q", "--no-trunc"), ids);
  await compose("down");
  assert.deepEqual(await networks(), ["shop-outside"]);
});
