// The C once more under the address and undefined-behaviour sanitizers: the decoder fuzzed, and every native test.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { encodePlan } from "#kernel/plan/encode.ts";
import type { Plan } from "#kernel/plan/ops.ts";
import { skip as notRoot, planContainer, planFurther } from "./native-machine.ts";

const native = join(import.meta.dirname, "../../native");
const built = join(native, "build/sanitized");
const inside = process.env.GANTRY_TEST_EXEC !== undefined;

function build(): boolean {
  if (inside) return false;
  return spawnSync("sh", [join(native, "build.sh"), "sanitized"], { stdio: "ignore" }).status === 0;
}

const skip =
  !build() &&
  (inside ? "runs already" : "the compiler has no sanitizers: apt-get install libasan8 libubsan1");

const attributes = {
  mode: 0o644,
  uid: 1,
  gid: 2,
  mtime: { sec: -1, nsec: 5 },
  xattrs: [{ name: "user.x", value: Uint8Array.of(1, 2, 3) }],
};
const seeds: readonly Plan[] = [
  planContainer("/root-of-container", "echo", { terminal: true }),
  planFurther(4711, "true"),
  [
    { op: "makeDir", why: "", path: "/a", attributes },
    { op: "mknod", why: "", path: "n", root: 0, mode: 0o10600, major: 0, minor: 0, uid: 1, gid: 2 },
    {
      op: "netlink",
      why: "",
      protocol: 0,
      messages: [new Uint8Array(16), new Uint8Array(20)],
      ignoreErrno: [17],
    },
    {
      op: "spawn",
      why: "",
      path: "/x",
      argv: ["x", "y"],
      env: ["A=b"],
      stdin: ["{", "}"],
      timeoutMs: 1,
    },
    { op: "setgroups", why: "", gids: [1, 2, 3] },
    { op: "seccomp", why: "", filter: new Uint8Array(64), flags: 0 },
  ],
];

test("no bytes make the decoder read what it was not given", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-fuzz-"));
  try {
    const files = seeds.map((plan, index) => {
      const path = join(folder, `${index}`);
      writeFileSync(path, encodePlan(plan));
      return path;
    });
    const output = execFileSync(join(built, "fuzz"), ["20000", "20261121", ...files], { encoding: "utf8" });
    const [, accepted = "0"] = /^(\d+) of 20000 accepted$/m.exec(output) ?? [];
    // Both sides of the decoder were seen: what it takes and what it refuses.
    assert.ok(Number(accepted) > 1000 && Number(accepted) < 19_000, output);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("plans, trees, shims and streams pass under the sanitizers", { skip: skip || notRoot }, () => {
  const files = ["plans", "trees", "shim", "streams"].map((name) =>
    join(import.meta.dirname, `${name}.test.ts`),
  );
  const { status, stdout } = spawnSync(process.execPath, ["--test", "--test-isolation=none", ...files], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, GANTRY_TEST_EXEC: join(built, "gantry-exec") },
    timeout: 120_000,
  });
  assert.equal(status, 0, stdout);
});
