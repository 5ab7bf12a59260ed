// checkpoint and restore with the real criu, where the kernel has what it needs (a guest has: tests/vm).

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { makeBusyboxRoot } from "../system/images.ts";
import { until } from "../system/until.ts";

const skip =
  (process.getuid?.() !== 0 || spawnSync("criu", ["check"]).status !== 0) && "needs root and what criu needs";
const program = join(import.meta.dirname, "../../bin/gantry-runc");

/** Counts in a variable of its own, which only its memory has, and tells the count in a file. */
const counter = "i=0; while :; do i=$((i+1)); echo $i > /tmp/count; sleep 0.1; done";

test("a container goes on from where its checkpoint was taken", { skip }, async () => {
  const path = mkdtempSync(join(tmpdir(), "gantry-checkpoint-"));
  const id = basename(path);
  await using root = await makeBusyboxRoot();
  renameSync(root.path, join(path, "rootfs"));
  const run = (...words: readonly string[]) => {
    const options = { cwd: path, encoding: "utf8", timeout: 120_000 } as const;
    const log = join(path, "log");
    rmSync(log, { force: true });
    const { status } = spawnSync(program, ["--root", join(path, "state"), "--log", log, ...words], {
      ...options,
      stdio: "ignore",
    });
    assert.equal(
      status,
      0,
      `${words[0]}: ${existsSync(log) ? readFileSync(log, "utf8") : ""}${criuErrors(path)}`,
    );
  };
  const count = () => Number(readFileSync(join(path, "rootfs/tmp/count"), "utf8"));
  const advance = async (beyond: number) => {
    for (const end = performance.now() + 60_000; count() <= beyond; await delay(50))
      assert.ok(performance.now() < end, `the count stays at ${count()}`);
  };
  try {
    run("spec");
    const config = JSON.parse(readFileSync(join(path, "config.json"), "utf8"));
    Object.assign(config.process, { terminal: false, args: ["sh", "-c", counter] });
    config.root.readonly = false;
    config.linux.cgroupsPath = `/${id}`;
    writeFileSync(join(path, "config.json"), JSON.stringify(config));
    run("run", "-d", id);
    await until(() => existsSync(join(path, "rootfs/tmp/count")));
    await advance(10);

    run("checkpoint", "--leave-running", "--image-path", "first", "--work-path", "work", id);
    await advance(count());
    run("checkpoint", "--image-path", "images", "--work-path", "work", id);
    const saved = count();
    assert.equal(existsSync(join(path, "state", id)), false);

    run("restore", "-d", "--image-path", "images", "--work-path", "work", "--pid-file", "pid", id);
    await advance(saved);
    assert.ok(count() < saved + 50, "it did not begin again");
    const pid = Number(readFileSync(join(path, "pid"), "utf8"));
    assert.match(readFileSync(`/proc/${pid}/cgroup`, "utf8"), new RegExp(`/${id}$`, "m"));
    run("pause", id);
    run("resume", id);
    run("delete", "--force", id);
  } finally {
    spawnSync(program, ["--root", join(path, "state"), "delete", "--force", id]);
    rmSync(path, { recursive: true, force: true });
  }
});

/** What criu said of its failure. */
const criuErrors = (path: string): string =>
  ["dump.log", "restore.log"]
    .map((name) => join(path, "work", name))
    .filter((log) => existsSync(log))
    .flatMap((log) => readFileSync(log, "utf8").split("\n"))
    .filter((line) => /Error|Warn/.test(line))
    .join("\n");
