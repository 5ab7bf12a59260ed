import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeContainerConfig, decodePortBindings } from "./container-config.ts";
import { type PortBindings, unpackBindings, unpackExposed } from "./port-ranges.ts";

const packBindings = (bindings: PortBindings): PortBindings => decodePortBindings(bindings, "");
const packExposed = (ExposedPorts: Readonly<Record<string, unknown>>) =>
  decodeContainerConfig({ ExposedPorts }, "").ExposedPorts ?? {};

const bind = (HostPort: string, HostIp = "") => ({ HostIp, HostPort });
const range = (first: number, length: number, host = first) =>
  Object.fromEntries(
    Array.from({ length }, (_, at) => [`${first + at}/udp`, [bind(String(host + at)), bind("", "10.0.0.1")]]),
  );

test("ten thousand ports are one entry, and come back as they were", () => {
  const given = range(20_000, 10_001, 30_000);
  const kept = packBindings(given);
  assert.deepEqual(kept, { "20000-30000/udp": [bind("30000"), bind("", "10.0.0.1")] });
  assert.deepEqual(packBindings(kept), kept);
  assert.deepEqual(unpackBindings(kept), given);
});

test("protocols that come in turn are a run each", () => {
  const given = {
    "80/tcp": [bind("")],
    "80/udp": [bind("90")],
    "81/tcp": [bind("")],
    "81/udp": [bind("91")],
  };
  const kept = packBindings(given);
  assert.deepEqual(kept, { "80-81/tcp": [bind("")], "80-81/udp": [bind("90")] });
  assert.deepEqual(unpackBindings(kept), given);
});

test("what does not go on with its neighbour stands alone", () => {
  for (const [first, second] of [
    [bind("80"), bind("82")],
    [bind("80"), bind("81", "::1")],
    [bind("80"), bind("081")],
    [bind("0"), bind("1")],
    [bind("80-90"), bind("81-91")],
    [bind(""), bind("1")],
  ] as const) {
    const given = { "80/tcp": [first], "81/tcp": [second] };
    assert.deepEqual(packBindings(given), given);
  }
  for (const given of [
    { "80/tcp": [], "81/tcp": [] },
    { "80/tcp": null, "81/tcp": null },
    { "80/tcp": [bind("80")], "81/tcp": [bind("81"), bind("82")] },
    { "80": [bind("80")], "81": [bind("81")], "080/tcp": [bind("80")], "081/tcp": [bind("81")] },
    { "80/tcp": [bind("80")], "82/tcp": [bind("82")] },
  ])
    assert.deepEqual(packBindings(given), given);
});

test("exposed ports are runs, too, but a range that a client exposes stays one", () => {
  const given = { "80/tcp": {}, "81/tcp": {}, "90-95/tcp": {}, "99/tcp": {} };
  const kept = packExposed(given);
  assert.deepEqual(kept, { "80-81/tcp": 2, "90-95/tcp": {}, "99/tcp": {} });
  assert.deepEqual(packExposed(kept), kept);
  assert.deepEqual(unpackExposed(kept), given);
});

test("they are told in the order of their names", () => {
  const given = unpackBindings({ "9-11/tcp": [bind("9")], "10/udp": [bind("1")] });
  assert.deepEqual(Object.keys(given), ["10/tcp", "10/udp", "11/tcp", "9/tcp"]);
});
