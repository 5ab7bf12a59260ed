// The real podman, and its conmon, on gantry-runc.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { makeBusyboxRoot } from "../system/images.ts";
import { must, run } from "../system/process.ts";
import { installRuntime, removeCgroups, settledLeftovers } from "./leftovers.ts";

const skip = process.getuid?.() !== 0 && "needs root";

const criuFails = existsSync("/usr/sbin/criu") && spawnSync("criu", ["check"]).status !== 0;

/** Under either version of cgroups. */
const readMemoryLimit = "cd /sys/fs/cgroup; cat memory.max 2>/dev/null || cat memory/memory.limit_in_bytes";

test("podman runs containers on gantry-runc from their making to their end", { skip }, async () => {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "gantry-podman-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const runtime = await installRuntime(undo);
  const podman = (words: readonly string[], input = "") =>
    run(
      [
        ...[
          "timeout",
          "-s",
          "KILL",
          "40",
          "podman",
          "--root",
          `${folder}/root`,
          "--runroot",
          `${folder}/run`,
        ],
        ...["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file"],
        ...["--runtime", runtime, ...words],
      ],
      { input },
    );
  const ok = async (...words: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await podman(words);
    assert.equal(code, 0, `${words.join(" ")}: ${stderr}`);
    return stdout.trimEnd();
  };
  const parent = basename(folder);
  undo.defer(() => removeCgroups(parent)); // podman leaves it, and what conmon made in it
  undo.defer(() => podman(["rm", "-af", "-t", "0"]).then(() => {}));
  {
    await using root = await makeBusyboxRoot();
    await must(["tar", "-C", root.path, "-cf", `${folder}/root.tar`, "."]);
  }
  await ok("import", `${folder}/root.tar`, "busybox:latest");

  const common = ["run", "--cgroup-parent", `/${parent}`, "--pull", "never"];
  const start = [...common, "--network", "none"];
  const brief = await podman([...start, "--rm", "busybox", "sh", "-c", "echo told; exit 7"]);
  assert.deepEqual([brief.code, brief.stdout], [7, "told\n"]);
  const missing = await podman([...start, "--rm", "busybox", "/nowhere"]);
  assert.equal(missing.code, 127);
  const host = [...common, "--rm", "--network", "host", "busybox", "ls", "/sys/class/net"];
  assert.match(await ok(...host), /^lo$/m);

  const id = await ok(...start, "-d", "--name", "long", "-m", "64m", "busybox", "sleep", "1000");
  const inside = await podman(["exec", "-i", "long", "cat"], "passed\n");
  assert.deepEqual([inside.code, inside.stdout], [0, "passed\n"]);
  assert.equal((await podman(["exec", "long", "sh", "-c", "exit 5"])).code, 5);
  const asUser = ["exec", "-t", "-u", "5:6", "-w", "/tmp", "-e", "SAID=it", "long"];
  const script = "id -u; id -g; pwd; echo $SAID; test -t 0 && echo terminal";
  assert.equal(await ok(...asUser, "sh", "-c", script), "5\r\n6\r\n/tmp\r\nit\r\nterminal");
  assert.match(await ok("top", "long", "pid", "args"), /^1\s+sleep 1000/m);
  assert.match(await ok("stats", "--no-stream", "--format", "{{.PIDs}}", "long"), /^1$/);
  const status = () => ok("inspect", "-f", "{{.State.Status}}", "long");
  await ok("pause", "long");
  assert.equal(await status(), "paused");
  assert.match((await podman(["exec", "long", "true"])).stderr, /only create exec sessions on running/);
  await ok("unpause", "long");
  assert.equal(await status(), "running");
  await ok("update", "-m", "128m", "long");
  assert.equal(await ok("exec", "long", "sh", "-c", readMemoryLimit), "134217728");
  if (criuFails) {
    const refused = await podman(["container", "checkpoint", "long"]);
    assert.equal(refused.code, 125);
    assert.match(refused.stderr, /criu failed: exit status 1: .*\\nlog file: .*dump\.log/);
    assert.equal(await status(), "running");
  }
  await ok("stop", "-t", "1", "long");
  assert.equal(await ok("inspect", "-f", "{{.State.ExitCode}}", "long"), "137");
  await ok("restart", "-t", "0", "long");
  await ok("kill", "-s", "TERM", "long"); // sleep is process 1 and has no handler
  await ok("kill", "long");
  assert.equal(await ok("wait", "long"), "137");
  await ok("start", "long");
  await ok("rm", "-f", "-t", "0", "long");
  assert.equal(await ok("ps", "-aq"), "");
  assert.deepEqual(await settledLeftovers([id], folder), []);
});
