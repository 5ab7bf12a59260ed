// 10,000 changed manifests, indexes and configurations: each is read, or refused with an error that says where it is wrong.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError, type Decoder } from "#base/decode.ts";
import { decodeImageConfig, decodeIndex, decodeManifest, mediaTypes } from "./oci-image.ts";

const digest = `sha256:${"a".repeat(64)}`;
const descriptor = { mediaType: mediaTypes.ociLayer, digest, size: 7, annotations: { a: "b" } };
const documents: Readonly<Record<string, { readonly decode: Decoder<unknown>; readonly valid: object }>> = {
  manifest: {
    decode: decodeManifest,
    valid: { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: descriptor, layers: [descriptor] },
  },
  index: {
    decode: decodeIndex,
    valid: {
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: [{ ...descriptor, platform: { os: "linux", architecture: "amd64" } }],
    },
  },
  configuration: {
    decode: decodeImageConfig,
    valid: {
      created: "2027-01-01T00:00:00Z",
      architecture: "amd64",
      os: "linux",
      config: {
        User: "0",
        Env: ["A=b"],
        Cmd: ["true"],
        Labels: { a: "b" },
        ExposedPorts: { "80/tcp": {} },
        Volumes: { "/v": {} },
        Healthcheck: { Test: ["CMD", "true"], Interval: 1 },
        OnBuild: null,
      },
      rootfs: { type: "layers", diff_ids: [digest] },
      history: [{ created: "2027-01-01T00:00:00Z", created_by: "x", empty_layer: true }],
    },
  },
};

/** Repeatable: mulberry32. */
function openDice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
}

const strangers: readonly unknown[] = [
  null,
  true,
  -1,
  0.5,
  1e308,
  2 ** 53,
  "",
  "\u0000",
  "../../x",
  "sha256:../..",
  "x".repeat(10_000),
  [],
  [[]],
  {},
  { __proto__: null, toString: 1 },
  { constructor: { prototype: 1 } },
];

/** The same with one place changed: a stranger in it, doubled, or gone. Chosen from all places alike. */
function change(value: unknown, dice: (sides: number) => number): unknown {
  const copy: unknown = JSON.parse(JSON.stringify(value));
  const places: { readonly of: object; readonly key: string }[] = [];
  const walk = (of: unknown): void => {
    if (typeof of !== "object" || of === null) return;
    for (const [key, inner] of Object.entries(of)) {
      places.push({ of, key });
      walk(inner);
    }
  };
  walk(copy);
  const place = places[dice(places.length)];
  if (place === undefined) return strangers[dice(strangers.length)];
  const { of, key } = place;
  const other = places[dice(places.length)] ?? place;
  const ways = [
    () => Reflect.set(of, key, strangers[dice(strangers.length)]),
    () => Reflect.deleteProperty(of, key),
    () => Reflect.set(of, ["__proto__", "layers", "manifests", "config", "0"][dice(5)] ?? key, [descriptor]),
    () => Reflect.set(of, key, structuredClone(Reflect.get(other.of, other.key))),
  ];
  ways[dice(ways.length)]?.();
  return copy;
}

for (const [name, { decode, valid }] of Object.entries(documents))
  test(`a changed ${name} is read or refused, and nothing else happens`, () => {
    const dice = openDice(name.length);
    let refused = 0;
    decode(valid, name);
    for (let round = 0; round < 3400; round++) {
      let document: unknown = valid;
      for (let changes = 1 + dice(3); changes > 0; changes--) document = change(document, dice);
      try {
        decode(document, name);
      } catch (error) {
        assert.ok(error instanceof DecodeError, `${String(error)}: ${JSON.stringify(document)}`);
        refused++;
      }
    }
    assert.ok(refused > 300 && refused < 3400, `${refused} were refused`);
    assert.equal(Reflect.get({}, "digest"), undefined, "no prototype was changed");
  });
