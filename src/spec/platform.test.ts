import assert from "node:assert/strict";
import { test } from "node:test";
import { choosePlatform, formatPlatform, parsePlatform, platformDistance } from "./platform.ts";

for (const [text, expected] of [
  ["linux/amd64", "linux/amd64"],
  ["linux/x86_64", "linux/amd64"],
  ["linux/arm64/v8", "linux/arm64"],
  ["linux/aarch64", "linux/arm64"],
  ["arm64", "linux/arm64"],
  ["linux/arm", "linux/arm/v7"],
  ["linux/arm/6", "linux/arm/v6"],
  ["armhf", "linux/arm/v7"],
  ["linux/amd64/v3", "linux/amd64/v3"],
  ["Linux/AMD64", "linux/amd64"],
] as const) {
  test(`${text} is ${expected}`, () => {
    assert.equal(formatPlatform(parsePlatform(text)), expected);
  });
}

for (const [text, message] of [
  ["linux/a/b/c", '"linux/a/b/c": cannot parse platform specifier: invalid argument'],
  ["nonsense", '"nonsense": unknown operating system or architecture: invalid argument'],
  ["linux/a b", /"a b" is an invalid component of "linux\/a b"/],
] as const) {
  test(`${text} is refused`, () => {
    assert.throws(() => parsePlatform(text), { kind: "invalid", message });
  });
}

const offer = (platform: string) => ({
  mediaType: "",
  digest: platform,
  size: 0,
  platform: {
    os: platform.split("/")[0] ?? "",
    architecture: platform.split("/")[1] ?? "",
    variant: platform.split("/")[2] ?? "",
  },
});

for (const [wanted, offered, expected] of [
  ["linux/amd64", ["linux/386", "linux/amd64"], "linux/amd64"],
  ["linux/amd64", ["linux/386", "linux/arm64"], "linux/386"],
  ["linux/amd64/v3", ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], "linux/amd64/v2"],
  ["linux/arm64", ["linux/arm/v7", "linux/arm64/v8"], "linux/arm64/v8"],
  ["linux/arm64", ["linux/arm/v6", "linux/arm/v7"], "linux/arm/v7"],
  ["linux/arm/v6", ["linux/arm/v7", "linux/arm/v5"], "linux/arm/v5"],
] as const) {
  test(`of ${offered.join(", ")} ${expected} is best for ${wanted}`, () => {
    assert.equal(choosePlatform(offered.map(offer), parsePlatform(wanted)).digest, expected);
  });
}

test("no manifest for the platform is told in Docker's words", () => {
  assert.throws(
    () => choosePlatform([offer("windows/amd64"), offer("unknown/unknown")], parsePlatform("linux/arm64")),
    {
      kind: "notFound",
      message:
        "no matching manifest for linux/arm64 in the manifest list entries: no match for platform in manifest: not found",
    },
  );
});

test("platforms of another system never match", () => {
  assert.equal(platformDistance(parsePlatform("linux/amd64"), parsePlatform("windows/amd64")), undefined);
});
