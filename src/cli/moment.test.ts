import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMoment } from "./moment.ts";

const NOW = Date.parse("2026-01-02T03:04:05.678Z");

test("a duration is that long ago, seconds stay, dates are read", () => {
  assert.equal(parseMoment("1m", NOW, "since"), "1767322985.678000000");
  assert.equal(parseMoment("0s", NOW, "until"), "1767323045.678000000");
  assert.equal(parseMoment("1136073845.000000001", NOW, "since"), "1136073845.000000001");
  assert.equal(parseMoment("2013-01-02T13:23:37.5Z", NOW, "since"), "1357133017.500000000");
  assert.equal(parseMoment("", NOW, "since"), "");
});

test("anything else is refused", () => {
  assert.throws(
    () => parseMoment("yesterday", NOW, "since"),
    /invalid value for "since": failed to parse value/,
  );
});
