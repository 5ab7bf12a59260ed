// What our client does with containers beyond Docker's: stats follows those that come, prune tells what will go.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gantry } from "./command-line.ts";
import { type Answer, startFakeDaemon } from "./fake-daemon.ts";

const id = "a".repeat(64);

test("stats without names follows a container that is started later", async () => {
  const answer: Answer = ({ line }) => {
    if (line.startsWith("GET /events")) return { lines: [{ Action: "start", Actor: { ID: id } }] };
    return line.startsWith("GET /containers/json") ? { json: [] } : { lines: [{ id, name: "/late" }] };
  };
  await using daemon = await startFakeDaemon(answer);
  assert.equal((await gantry(["-H", daemon.host, "stats"])).code, 0);
  const lines = daemon.asked.map(({ line }) => line.split("?")[0]);
  assert.deepEqual(lines, ["GET /events", "GET /containers/json", "GET /containers/aaaaaaaaaaaa/stats"]);
});

test("container prune names what will go before it asks", async () => {
  const stopped = (name: string, Created: number, Labels = {}) => ({
    ...{
      Id: id,
      Names: [`/${name}`, `/web/${name}`],
      Image: "busybox",
      State: "created",
      Status: "Created",
      Created,
      Labels,
    },
  });
  const listed = [stopped("old", 10), stopped("young", 90), stopped("kept", 10, { keep: "yes" })];
  const answer: Answer = ({ line }) =>
    line.startsWith("GET") ? { json: listed } : { json: { ContainersDeleted: [id], SpaceReclaimed: 0 } };
  await using daemon = await startFakeDaemon(answer);
  const words = ["container", "prune", "--filter", "until=50", "--filter", "label!=keep"];
  const refused = await gantry(["-H", daemon.host, ...words], { stdin: "n\n" });
  assert.match(refused.stdout, /all stopped containers\.\n {2}- old \(busybox, Created\)\nAre you sure/);
  const only = daemon.asked.map(({ line }) => line.split(" ")[0]);
  assert.deepEqual(only, ["GET"]);
  const forced = await gantry(["-H", daemon.host, ...words, "-f"]);
  assert.match(forced.stdout, /^Deleted Containers:/);
});
