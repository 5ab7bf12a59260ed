import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeHostConfig } from "#spec/container-config.ts";
import type { IdMaps } from "#spec/id-maps.ts";
import { checkUserNamespace, chooseIdMaps, PRIVATE_SIZE } from "./id-maps.ts";

const mapsAt = (hostID: number, size = PRIVATE_SIZE): IdMaps => {
  const mappings = [{ containerID: 0, hostID, size }];
  return { uids: mappings, gids: mappings };
};
const settings = (given: object) => decodeHostConfig(given, "");
const remap = mapsAt(100_000);
const spare = () => mapsAt(100_000, 3 * PRIVATE_SIZE);
const taken = () => [];

test("a container has the daemon's maps, those of its own, or none", () => {
  const choose = (UsernsMode: string) => chooseIdMaps(settings({ UsernsMode }), { remap, spare }, taken);
  assert.equal(choose(""), remap);
  assert.equal(choose("host"), undefined);
  assert.deepEqual(choose("private"), mapsAt(100_000 + PRIVATE_SIZE)); // the first block is the daemon's
});

test("ranges of containers do not overlap, and those of removed ones are free again", () => {
  const namespaces = { remap: undefined, spare };
  const next = (taken: readonly IdMaps[]) =>
    chooseIdMaps(settings({ UsernsMode: "private" }), namespaces, () => taken);
  const [first, second, third] = [0, 1, 2].map((block) => mapsAt(100_000 + block * PRIVATE_SIZE));
  assert.ok(first && second && third);
  assert.deepEqual(next([]), first);
  assert.deepEqual(next([first]), second);
  assert.deepEqual(next([mapsAt(100_000 + 10, 1)]), second);
  assert.deepEqual(next([first, third]), second);
  assert.throws(() => next([first, second, third]), { kind: "conflict" });
});

for (const [what, given, message] of [
  [
    "privileged mode",
    { Privileged: true },
    /^privileged mode is incompatible with user namespaces\. {2}You must run/,
  ],
  ["the host's network", { NetworkMode: "host" }, /^cannot share the host's network namespace when user/],
  ["the host's processes", { PidMode: "host" }, /^cannot share the host PID namespace when user namespaces/],
  ["another runtime", { Runtime: "lxc" }, /^--runtime lxc in a user namespace is not supported/],
  [
    "an image mount",
    { Mounts: [{ Type: "image", Target: "/m", Source: "i" }] },
    /^--mount type=image in a user namespace is not supported/,
  ],
] as const)
  test(`${what} and a user namespace do not go together`, () => {
    const hostConfig = settings(given);
    checkUserNamespace(hostConfig, { remap: undefined, spare });
    checkUserNamespace(settings({ ...given, UsernsMode: "host" }), { remap, spare });
    assert.throws(() => checkUserNamespace(hostConfig, { remap, spare }), { message });
    assert.throws(() => checkUserNamespace(settings({ ...given, UsernsMode: "private" }), undefined));
  });
