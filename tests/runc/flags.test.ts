// Flags of `create` and `run` whose effect only a container shows, and `plan`.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "../system/until.ts";
import { makeBundle } from "./runc-bundle.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const hasKeyrings = /keyring/.test(readFileSync("/proc/keys", "utf8"));

test("sockets that the caller listens on come before the preserved descriptors", { skip }, async () => {
  await using bundle = await makeBundle({
    args: ["sh", "-c", "echo $LISTEN_FDS $LISTEN_PID; cat <&3; cat <&4"],
  });
  const { stdout, stderr } = bundle.run(["run", "--preserve-fds", "1", bundle.id], {
    under: [
      "sh",
      "-c",
      'echo first >a; echo second >b; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@" 3<a 4<b',
      "sh",
    ],
  });
  assert.deepEqual([stdout, stderr], ["1 1\nfirst\nsecond\n", ""]);
});

test("--no-new-keyring keeps the session keyring of the caller", { skip: skip || !hasKeyrings }, async () => {
  await using bundle = await makeBundle({
    args: ["sh", "-c", "cat /proc/keys"],
    change: (config) => {
      config.linux = { ...config.linux, maskedPaths: [] };
    },
  });
  const keys = (...flags: readonly string[]): string => bundle.run(["run", ...flags, bundle.id]).stdout;
  assert.doesNotMatch(keys("--no-new-keyring"), new RegExp(`_ses\\.${bundle.id}`));
  assert.match(keys(), new RegExp(`_ses\\.${bundle.id}`)); // after: the kernel takes its time to forget it
});

test("plan --format json is one operation a line, as data", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["true"] });
  const { stdout, code } = bundle.run(["plan", "--format", "json", "."]);
  assert.equal(code, 0);
  const plan: unknown[] = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const names = plan.map((op) => Object(op).op);
  assert.equal(names.at(-1), "exec");
  assert.ok(names.indexOf("clone") < names.indexOf("pivotRoot"));
  assert.deepEqual(bundle.remains(), []);
});

test("a program that cannot be found fails at create, and nothing is left", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["no-such-program"] });
  const { code, stderr } = bundle.run(["create", bundle.id]);
  assert.equal(code, 1);
  assert.match(stderr, /exec: \\"no-such-program\\": executable file not found in \$PATH/);
  assert.deepEqual(bundle.remains(), []);
});

test("a program that cannot be executed says so itself when it is started", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["/bad"] });
  writeFileSync(join(bundle.path, "rootfs/bad"), "no program", { mode: 0o755 });
  const script = '"$@" create --pid-file pid ID 2>told && "$@" start ID'.replaceAll("ID", bundle.id);
  const { code } = bundle.run([], { under: ["sh", "-c", script, "sh"] });
  assert.equal(code, 0);
  await eventually(() => readFileSync(join(bundle.path, "told"), "utf8") === "execve: Exec format error\n");
  await eventually(() => bundle.run(["state", bundle.id]).stdout.includes('"stopped"'));
});

async function eventually(condition: () => boolean): Promise<void> {
  await until(condition);
  assert.ok(condition());
}

test("a caller with closed standard streams is served", { skip }, async () => {
  await using bundle = await makeBundle({ args: ["sh", "-c", "test $(ls /proc/self/fd | wc -l) = 4"] });
  const { code } = bundle.run(["run", bundle.id], { under: ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"] });
  assert.equal(code, 0);
});
