import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { credentialsFor } from "./credentials.ts";

const SERVER = "registry.example:5000";
const { signal } = new AbortController();

/** What the user's helper, which is this shell script, makes of it. */
async function askedFrom(script: string) {
  const folder = mkdtempSync(join(tmpdir(), "gantry-helper-"));
  try {
    writeFileSync(join(folder, "docker-credential-fake"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const surroundings = { env: { PATH: folder } };
    return await credentialsFor({ settings: { credsStore: "fake" }, surroundings }, SERVER, signal);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a helper is asked for the server and answers a name and a secret", async () => {
  const script = `read -r server; echo "{\\"Username\\":\\"$server\\",\\"Secret\\":\\"s\\"}"`;
  assert.deepEqual(await askedFrom(script), { username: SERVER, password: "s" });
});

test("the secret of the user <token> is an identity token", async () => {
  const script = `echo '{"Username":"<token>","Secret":"t"}'`;
  assert.deepEqual(await askedFrom(script), { identitytoken: "t" });
});

test("a helper without credentials for the server is no error", async () => {
  const script = "echo credentials not found in native keychain; exit 1";
  assert.equal(await askedFrom(script), undefined);
});

for (const script of ["echo no JSON", "echo broken; exit 1"])
  test(`a helper that does '${script}' is an error`, async () => {
    await assert.rejects(askedFrom(script), /^Error: error getting credentials - err: /);
  });

test("the file's entry is found by the registry's host", async () => {
  const auth = Buffer.from("me:pass:word").toString("base64");
  const settings = { auths: { "https://registry.example:5000/v2/": { auth } } };
  const found = await credentialsFor({ settings, surroundings: { env: {} } }, SERVER, signal);
  assert.deepEqual([found?.username, found?.password], ["me", "pass:word"]);
});
