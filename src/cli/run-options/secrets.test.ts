import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSecret, readSecrets } from "./secrets.ts";

test("a secret says its name, where it comes from and how its file is", () => {
  assert.deepEqual(parseSecret("id=db,src=/f,target=/etc/pw,uid=1,gid=2,mode=0400"), {
    ID: "db",
    source: { kind: "file", name: "/f" },
    Target: "/etc/pw",
    UID: 1,
    GID: 2,
    Mode: 0o400,
  });
  assert.deepEqual(parseSecret("id=db,env=PW"), { ID: "db", source: { kind: "env", name: "PW" } });
});

for (const [text, message] of [
  ["src=/f", /id is required/],
  ["id=a", /one of src and env/],
  ["id=a,src=/f,env=X", /one of src and env/],
  ["id=a,src=/f,mode=9", /invalid mode: 9/],
  ["id=a,id=b,src=/f", /only once/],
  ["id=a,src=/f,external=true", /unexpected key 'external'/],
  ["db", /key=value/],
] as const)
  test(`"${text}" is no secret`, () => {
    assert.throws(() => parseSecret(text), message);
  });

test("a variable is sent as it is, and must be set", () => {
  const flags = [parseSecret("id=a,env=PW")];
  assert.deepEqual(readSecrets(flags, { PW: "päss\n" }), [{ ID: "a", Data: "cMOkc3MK" }]);
  assert.throws(() => readSecrets(flags, {}), /secret "a": environment variable PW is not set/);
  assert.throws(() => readSecrets(flags, { PW: "" }), /secret "a": it is empty/);
});
