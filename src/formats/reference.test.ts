import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  familiarName,
  familiarReference,
  formatReference,
  parseAnyReference,
  parseReference,
  withDefaultTag,
  withTag,
} from "./reference.ts";

const hex = "0123456789abcdef".repeat(4);

for (const [text, canonical, familiar] of [
  ["busybox", "docker.io/library/busybox", "busybox"],
  ["busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"],
  ["team/app", "docker.io/team/app", "team/app"],
  ["docker.io/busybox", "docker.io/library/busybox", "busybox"],
  ["index.docker.io/library/busybox", "docker.io/library/busybox", "busybox"],
  ["localhost/app", "localhost/app", "localhost/app"],
  ["localhost:5000/team/app:v1", "localhost:5000/team/app:v1", "localhost:5000/team/app:v1"],
  ["[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app"],
  ["Example/app", "Example/app", "Example/app"],
  ["quay.io/a/b-c__d.e", "quay.io/a/b-c__d.e", "quay.io/a/b-c__d.e"],
  ["docker.io/library/a/b", "docker.io/library/a/b", "library/a/b"],
  [`alpine@sha256:${hex}`, `docker.io/library/alpine@sha256:${hex}`, `alpine@sha256:${hex}`],
  [`alpine:3@sha256:${hex}`, `docker.io/library/alpine:3@sha256:${hex}`, `alpine:3@sha256:${hex}`],
] as const) {
  test(`"${text}" is ${canonical}, shown as ${familiar}`, () => {
    const reference = parseReference(text);
    assert.equal(formatReference(reference), canonical);
    assert.equal(familiarReference(reference), familiar);
  });
}

for (const [text, message] of [
  ["", "invalid reference format"],
  [":tag", "invalid reference format"],
  ["busybox:", "invalid reference format"],
  ["-busybox", "invalid reference format"],
  ["a//b", "invalid reference format"],
  ["a/../b", "invalid reference format"],
  ["busybox:la test", "invalid reference format"],
  ["busybox:latest\n", "invalid reference format"],
  ["Busybox", "invalid reference format: repository name (library/Busybox) must be lowercase"],
  ["a/B", "invalid reference format: repository name (a/B) must be lowercase"],
  [hex, `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`],
  [`a@sha256:${hex.slice(1)}`, "invalid checksum digest length"],
  [`a@sha999:${hex}`, "unsupported digest algorithm"],
  [`a@sha256:${hex.toUpperCase()}`, "invalid checksum digest format"],
  [`localhost/${"a".repeat(256)}`, "repository name must not be more than 255 characters"],
] as const) {
  test(`"${text.slice(0, 40)}" is refused: ${message.slice(0, 60)}`, () => {
    assert.throws(() => parseReference(text), { kind: "invalid", message });
  });
}

test("64 hex digits and digests are ids", () => {
  assert.deepEqual(parseAnyReference(hex), { kind: "id", digest: `sha256:${hex}` });
  assert.deepEqual(parseAnyReference(`sha256:${hex}`), { kind: "id", digest: `sha256:${hex}` });
});

test("the default tag is added only where there is neither tag nor digest", () => {
  assert.equal(formatReference(withDefaultTag(parseReference("a"))), "docker.io/library/a:latest");
  assert.equal(formatReference(withDefaultTag(parseReference("a:1"))), "docker.io/library/a:1");
  assert.equal(withDefaultTag(parseReference(`a@sha256:${hex}`)).tag, undefined);
});

test("a bad tag is refused", () => {
  assert.throws(() => withTag(parseReference("a"), "x y"), { message: "invalid tag format" });
});

const component = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const referenceText = fc
  .tuple(
    fc.option(fc.constantFrom("quay.io", "localhost:5000", "docker.io", "127.0.0.1:80"), { nil: "" }),
    fc.array(component, { minLength: 1, maxLength: 4 }),
    fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,10}$/), { nil: "" }),
  )
  .map(
    ([domain, path, tag]) =>
      `${domain === "" ? "" : `${domain}/`}${path.join("/")}${tag === "" ? "" : `:${tag}`}`,
  );

test("canonical and familiar forms read back as the same reference", () => {
  fc.assert(
    fc.property(referenceText, (text) => {
      const reference = parseReference(text);
      assert.deepEqual(parseReference(formatReference(reference)), reference);
      assert.deepEqual(parseReference(familiarReference(reference)), reference);
      assert.ok(
        formatReference(reference).endsWith(familiarName(reference).split("/").pop() ?? "") || reference.tag,
      );
    }),
  );
});

test("no text makes the parser throw anything but a refusal", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      try {
        parseReference(text);
      } catch (error) {
        assert.ok(error instanceof Error && error.name === "EngineError");
      }
    }),
  );
});
