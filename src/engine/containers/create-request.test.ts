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

const mac = "02:42:ac:11:00:09";

for (const [minor, address, warned] of [
  [43, mac, false],
  [44, mac, true],
  [51, mac, true],
  [52, undefined, false],
] as const)
  test(`a container's own MAC address at 1.${minor} is ${address ?? "nothing"}`, () => {
    const { endpoints, hostConfig, warnings } = decode({ MacAddress: mac }, minor);
    assert.equal(endpoints[hostConfig.NetworkMode]?.MacAddress, address);
    assert.equal(warnings.length === 1, warned);
  });

test("a MAC address where there is no endpoint was refused before 1.44, and is warned of since", () => {
  const body = { MacAddress: mac, HostConfig: { NetworkMode: "host" } };
  assert.throws(() => decode(body, 43), { message: "conflicting options: mac-address and the network mode" });
  const { endpoints, warnings } = decode(body, 44);
  assert.deepEqual([endpoints, warnings.length], [{}, 1]);
});

test("a priority among gateways means nothing before 1.48", () => {
  const body = { NetworkingConfig: { EndpointsConfig: { default: { GwPriority: 7 } } } };
  const priority = (minor: number) => decode(body, minor).endpoints.bridge?.GwPriority;
  assert.deepEqual([priority(47), priority(48)], [0, 7]);
});

test("ports without bindings are published, and warned of since 1.52", () => {
  const body = { HostConfig: { PortBindings: { "90/udp": [], "80": null, "70/tcp": [{ HostPort: "7" }] } } };
  const binding = { HostIp: "", HostPort: "" };
  for (const minor of [51, 52]) {
    const { hostConfig, warnings } = decode(body, minor);
    assert.deepEqual(
      [hostConfig.PortBindings?.["90/udp"], hostConfig.PortBindings?.["80"]],
      [[binding], [binding]],
    );
    if (minor === 51) assert.deepEqual(warnings, []);
    else
      assert.match(warnings.join(), /^Following container port.s. have .*: 80\/tcp, 90\/udp\. Such bindings/);
  }
});
