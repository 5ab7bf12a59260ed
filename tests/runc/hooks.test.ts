// Hooks under gantry-runc, beside the same bundle under the machine's runc: the same ones run, told the same, with the same outcome.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { makeBusyboxRoot } from "../system/images.ts";

const own = join(import.meta.dirname, "../../bin/gantry-runc");
const peer = "/usr/sbin/runc";
const skip =
  (process.getuid?.() !== 0 && "needs root") || (!existsSync(peer) && "no runc here to compare with");

const points = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"] as const;

interface Bundle extends AsyncDisposable {
  /** What each hook was told, and how the command ended. */
  run(program: string, failing?: string): { readonly told: readonly string[]; readonly code: number | null };
}

async function makeBundle(): Promise<Bundle> {
  const path = await mkdtemp(join(tmpdir(), "gantry-hooks-test-"));
  await using root = await makeBusyboxRoot();
  renameSync(root.path, join(path, "rootfs"));
  const id = basename(path);
  const log = join(path, "log");
  const call = (program: string, ...words: readonly string[]): ReturnType<typeof spawnSync> =>
    spawnSync(program, ["--root", join(path, "state"), ...words], { cwd: path, timeout: 120_000 });
  call(peer, "spec");
  const config = JSON.parse(readFileSync(join(path, "config.json"), "utf8"));
  config.process = { ...config.process, terminal: false, args: ["true"] };
  config.linux.cgroupsPath = `/${id}`;
  config.annotations = { key: "value" };
  return {
    run: (program, failing) => {
      rmSync(log, { force: true });
      const hookOf = (point: string): object => ({
        path: "/bin/sh",
        args: [
          "sh",
          "-c",
          `echo ${point} "$PWD" $(cat) >> ${log}; ${point === failing ? "exit 5" : "exit 0"}`,
        ],
      });
      config.hooks = Object.fromEntries(points.map((point) => [point, [hookOf(point)]]));
      writeFileSync(join(path, "config.json"), JSON.stringify(config));
      const { status } = call(program, "run", id);
      assert.equal(call(program, "state", id).status, 1);
      // The specification has poststart when the program runs; runc 1.1 has it before.
      const lines = readFileSync(log, "utf8").trimEnd().replaceAll('"created"', '"running"');
      return { told: lines.replaceAll(/"pid":\d{2,}/g, '"pid":N').split("\n"), code: status };
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

test("every hook is told what runc tells it, in its order and its folder", { skip }, async () => {
  await using bundle = await makeBundle();
  const expected = bundle.run(peer);
  assert.equal(expected.told.length, points.length);
  assert.deepEqual(bundle.run(own), expected);
});

for (const point of points)
  test(`a ${point} hook that fails has the consequences that it has under runc`, { skip }, async () => {
    await using bundle = await makeBundle();
    assert.deepEqual(bundle.run(own, point), bundle.run(peer, point));
  });
