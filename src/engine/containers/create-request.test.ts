// What a request means in older versions of the API.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeCreateRequest } from "./create-request.ts";
import { planMounts } from "./mounts.ts";

const decode = (body: object, minor: number) => decodeCreateRequest(body, { name: "", platform: "" }, minor);

for (const [what, hostConfig, minor, message] of [
  [
    "a part of a volume",
    { Mounts: [{ Type: "volume", Target: "/x", VolumeOptions: { Subpath: "a" } }] },
    44,
    /^VolumeOptions.Subpath needs API v1.45/,
  ],
  [
    "a mounted image",
    { Mounts: [{ Type: "image", Target: "/x" }] },
    47,
    /^Mount type "Image" needs API v1.48/,
  ],
  [
    "a list of capabilities",
    { Capabilities: ["CHOWN"] },
    40,
    /^the HostConfig.Capabilities field is not supported/,
  ],
] as const)
  test(`${what} is refused at 1.${minor} and taken one version later`, () => {
    assert.throws(() => decode({ HostConfig: hostConfig }, minor), { kind: "invalid", message });
    decode({ HostConfig: hostConfig }, minor + 1);
  });

test("before 1.44 a read-only bind leaves what is mounted below it", () => {
  const below = (minor: number) => {
    const { config, hostConfig } = decode({ HostConfig: { Binds: ["/src:/x:ro", "/src:/y"] } }, minor);
    const deps = { containers: { find: () => undefined }, dataRoot: "/data" };
    return planMounts(config, hostConfig, minor, deps).map(({ writableBelow }) => writableBelow);
  };
  assert.deepEqual(below(43), [true, undefined]);
  assert.deepEqual(below(44), [undefined, undefined]);
});

test("a volume driver for all is warned of where a mount does not heed it", () => {
  const HostConfig = { VolumeDriver: "local", Mounts: [{ Type: "volume", Target: "/x" }] };
  assert.equal(decode({ HostConfig }, 47).warnings.length, 0);
  assert.match(decode({ HostConfig }, 48).warnings.join(), /volume-driver configuration is ignored/);
});
