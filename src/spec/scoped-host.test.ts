import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeScopedHosts } from "./scoped-host.ts";

test("a socket for readers, and one for a label's containers", () => {
  assert.deepEqual(
    decodeScopedHosts([
      "host=unix:///r.sock,scope=read-only",
      // As a flag is split at its commas.
      ...["host=tcp://127.0.0.1:1", "scope=label", "label=team=web=1", "group=web"],
    ]),
    [
      { host: "unix:///r.sock", scope: { kind: "read-only" }, group: "" },
      {
        host: "tcp://127.0.0.1:1",
        scope: { kind: "label", name: "team", value: "web=1" },
        group: "web",
      },
    ],
  );
});

for (const text of [
  "scope=read-only",
  "host=unix:///a",
  "host=unix:///a,scope=all",
  "host=unix:///a,scope=label",
  "host=unix:///a,scope=label,label=team",
  "host=unix:///a,scope=label,label=name=x",
  "host=unix:///a,scope=read-only,label=a=b",
  "host=unix:///a,scope=read-only,mode=0777",
]) {
  test(`refused: ${text}`, () => {
    assert.throws(() => decodeScopedHosts([text]), /invalid scoped-host/);
  });
}
