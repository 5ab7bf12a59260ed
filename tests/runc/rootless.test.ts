// gantry-runc called by somebody who is not root: ids mapped by newuidmap and newgidmap, or only the caller's own.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeBusyboxRoot } from "../system/images.ts";

const program = join(import.meta.dirname, "../../bin/gantry-runc");
const skip =
  (process.getuid?.() !== 0 && "needs root, to become somebody else") ||
  (!existsSync("/usr/bin/newuidmap") && "no newuidmap here (package uidmap)");

const NOBODY = "65534";

/** As nobody, in a mount namespace whose /etc/subuid and /etc/subgid give nobody a range. */
const asNobody = `mount --bind "$1/subids" /etc/subuid; mount --bind "$1/subids" /etc/subgid
folder=$1; shift
cd "$folder" && exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups \
  env -i PATH="$PATH" XDG_RUNTIME_DIR="$folder/run" GANTRY_RUNC_LINGER=1 "$@"`;

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `id` and shows the maps. */
async function run(maps: readonly object[], additionalGids: readonly number[] = []): Promise<Outcome> {
  const path = await mkdtemp(join(tmpdir(), "gantry-rootless-test-"));
  await using _folder = { [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
  await using root = await makeBusyboxRoot();
  renameSync(root.path, join(path, "rootfs"));
  for (const name of ["run", "state"]) mkdirSync(join(path, name), { mode: 0o700 });
  writeFileSync(join(path, "subids"), "nobody:200000:65536\n");
  chmodSync(path, 0o755);
  spawnSync("chown", ["-R", `${NOBODY}:${NOBODY}`, path]);
  const call = (...words: readonly string[]): Outcome => {
    const { status, stdout, stderr } = spawnSync(
      "unshare",
      ["-m", "sh", "-c", asNobody, "sh", path, ...words],
      {
        encoding: "utf8",
        timeout: 120_000,
      },
    );
    return { code: status, stdout, stderr };
  };
  assert.equal(call(program, "spec", "--rootless").code, 0);
  const config = JSON.parse(readFileSync(join(path, "config.json"), "utf8"));
  config.process.terminal = false;
  config.process.args = ["sh", "-c", "id; cat /proc/self/uid_map /proc/self/gid_map"];
  config.process.user.additionalGids = additionalGids;
  config.linux.uidMappings = maps;
  config.linux.gidMappings = maps;
  writeFileSync(join(path, "config.json"), JSON.stringify(config));
  return call(program, "--root", join(path, "state"), "run", "rootless");
}

const own = { containerID: 0, hostID: Number(NOBODY), size: 1 };
const more = { containerID: 1, hostID: 200_000, size: 65_536 };

test("ids of /etc/subuid are mapped by the helpers, and groups can be had", { skip }, async () => {
  const { stdout, stderr } = await run([own, more], [5]);
  const map = /\s+0\s+65534\s+1\n\s+1\s+200000\s+65536\n/.source;
  assert.match(stdout, new RegExp(`^uid=0.* gid=0.* groups=.*5.*\n${map}${map}$`), stderr);
});

test("the caller's own id needs no helper, and takes no groups", { skip }, async () => {
  const { stdout, stderr } = await run([own]);
  assert.match(stdout, /^uid=0.* gid=0.*\n\s+0\s+65534\s+1\n\s+0\s+65534\s+1\n$/, stderr);
  const refused = await run([own], [5]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /cannot set any additional groups in a rootless container/);
});

test("ids that nobody gave to the caller are refused in the helper's words", { skip }, async () => {
  const { code, stderr } = await run([own, { ...more, hostID: 900_000 }]);
  assert.equal(code, 1);
  assert.match(stderr, /linux.uidMappings: \/usr\/bin\/newuidmap: exit status 1, .*not allowed/);
});
