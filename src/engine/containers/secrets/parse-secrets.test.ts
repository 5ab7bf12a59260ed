import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSecrets } from "./parse-secrets.ts";

const Data = Buffer.from("hidden").toString("base64");
const targetOf = (Target: string) => parseSecrets([{ ID: "a", Data, Target }])[0]?.target;

test("a secret is a file that all may read, in /run/secrets", () => {
  assert.deepEqual(parseSecrets([{ ID: "db.pw", Data }]), [
    { id: "db.pw", target: "/run/secrets/db.pw", uid: 0, gid: 0, mode: 0o444, data: Buffer.from("hidden") },
  ]);
});

test("a target is a name there or a path", () => {
  assert.deepEqual(
    [targetOf("sub/x"), targetOf("/etc//x"), targetOf("")],
    ["/run/secrets/sub/x", "/etc/x", "/run/secrets/a"],
  );
});

for (const Target of ["../x", "/", "/run/secrets", "dir/", "a\0b", "."])
  test(`${JSON.stringify(Target)} is no target`, () => {
    assert.throws(() => targetOf(Target), { kind: "invalid", message: /invalid target/ });
  });

for (const [what, change, message] of [
  ["a name with a slash", { ID: "a/b" }, /invalid secret name/],
  ["no data", { Data: "" }, /it has no data/],
  ["data that is not base64", { Data: "hidden!" }, /the data is not base64$/],
  ["too much data", { Data: "A".repeat(700_000) }, /too large: 525000 bytes/],
  ["a negative user", { UID: -1 }, /UID -1 is out of range/],
  ["set-user-id", { Mode: 0o4755 }, /mode 4755 is out of range/],
] as const)
  test(`${what} is refused, and the message does not tell the data`, () => {
    assert.throws(
      () => parseSecrets([{ ID: "a", Data, ...change }]),
      (error: Error) => {
        assert.match(error.message, message);
        assert.ok(!error.message.includes("hidden"));
        return true;
      },
    );
  });

test("two secrets cannot be one file", () => {
  const specs = [
    { ID: "a", Data },
    { ID: "b", Data, Target: "a" },
  ];
  assert.throws(() => parseSecrets(specs), /Duplicate mount point: \/run\/secrets\/a/);
});
