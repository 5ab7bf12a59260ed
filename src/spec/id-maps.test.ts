import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeMappings, idMapOptions, readIdMapOptions, rootOf } from "./id-maps.ts";

const uids = [
  { containerID: 0, hostID: 100_000, size: 1000 },
  { containerID: 1000, hostID: 300_000, size: 64_536 },
];
const gids = [{ containerID: 0, hostID: 5000, size: 65_536 }];

test("maps survive as options of a mount", () => {
  const options = ["lowerdir=/a:/b", ...idMapOptions({ uids, gids }), "index=off"];
  assert.deepEqual(readIdMapOptions(options), {
    maps: { uids, gids },
    rest: ["lowerdir=/a:/b", "index=off"],
  });
  assert.deepEqual(readIdMapOptions(["ro"]), { maps: undefined, rest: ["ro"] });
  assert.throws(() => readIdMapOptions(["idmap-uids=0:x:1", "idmap-gids=0:1:1"]), { kind: "invalid" });
});

test("the kernel gets a line for each", () => {
  assert.equal(new TextDecoder().decode(encodeMappings(uids)), "0 100000 1000\n1000 300000 64536\n");
  assert.equal(rootOf(uids), 100_000);
  assert.throws(() => rootOf(uids.slice(1)), { kind: "invalid" });
});
