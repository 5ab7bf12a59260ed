import assert from "node:assert/strict";
import { test } from "node:test";
import { openFakeContainers } from "../testing/fake-containers.ts";
import { linkVariables } from "./link-variables.ts";
import { describeLinks, linkEnvironment, removeLink } from "./links.ts";
import { parseLink } from "./parse-link.ts";
import { renameContainer } from "./rename.ts";

test("a link is read as users write it and as inspect shows it", () => {
  assert.deepEqual(parseLink("db"), { name: "db", alias: "db" });
  assert.deepEqual(parseLink("db:data"), { name: "db", alias: "data" });
  assert.deepEqual(parseLink("/db:/web/data"), { name: "db", alias: "data" });
  for (const wrong of ["", ":x", "a:b:c"])
    assert.throws(() => parseLink(wrong), { message: `bad format for links: ${wrong}` });
});

test("variables name the first port, each port, ranges of ports and the child's own variables", () => {
  const child = {
    Env: ["PW=x=y", "PATH=/bin", "HOME=/", "EMPTY"],
    ExposedPorts: { "7001/tcp": {}, "53/udp": {}, "7000/tcp": {} },
  };
  assert.deepEqual(linkVariables("/web/my-db", "10.0.0.2", child), [
    "MY_DB_PORT=tcp://10.0.0.2:7000",
    "MY_DB_PORT_7000_TCP=tcp://10.0.0.2:7000",
    "MY_DB_PORT_7000_TCP_ADDR=10.0.0.2",
    "MY_DB_PORT_7000_TCP_PORT=7000",
    "MY_DB_PORT_7000_TCP_PROTO=tcp",
    "MY_DB_PORT_7001_TCP=tcp://10.0.0.2:7001",
    "MY_DB_PORT_7001_TCP_ADDR=10.0.0.2",
    "MY_DB_PORT_7001_TCP_PORT=7001",
    "MY_DB_PORT_7001_TCP_PROTO=tcp",
    "MY_DB_PORT_53_UDP=udp://10.0.0.2:53",
    "MY_DB_PORT_53_UDP_ADDR=10.0.0.2",
    "MY_DB_PORT_53_UDP_PORT=53",
    "MY_DB_PORT_53_UDP_PROTO=udp",
    "MY_DB_PORT_7000_TCP_START=tcp://10.0.0.2:7000",
    "MY_DB_PORT_7000_TCP_PORT_START=7000",
    "MY_DB_PORT_7000_TCP_END=tcp://10.0.0.2:7001",
    "MY_DB_PORT_7000_TCP_PORT_END=7001",
    "MY_DB_NAME=/web/my-db",
    "MY_DB_ENV_PW=x=y",
  ]);
});

test("a link follows its container, can be removed, and needs it to run", async (t) => {
  const { deps, create } = openFakeContainers(t);
  const child = await create({});
  await renameContainer(deps, "web", "db");
  const parent = await create({ HostConfig: { Links: ["db:data"] } });
  assert.equal(deps.containers.get("web/data").id, child.id);
  await renameContainer(deps, "db", "other");
  assert.deepEqual(describeLinks(deps.containers, parent.record), ["/other:/web/data"]);
  assert.throws(() => linkEnvironment(deps.containers, parent.record), {
    message: "Cannot link to a non running container: /other AS /web/data",
  });
  removeLink(deps.containers, "web/data");
  assert.equal(describeLinks(deps.containers, parent.record), null);
  assert.throws(() => removeLink(deps.containers, "web"), /cannot remove the default link name/);
});

test("a link to nobody is refused without a 404, at which clients would pull the image", async (t) => {
  const { create } = openFakeContainers(t);
  await assert.rejects(create({ HostConfig: { Links: ["nosuch"] } }), {
    kind: "invalid",
    message: "could not get container for nosuch: No such container: nosuch",
  });
});
