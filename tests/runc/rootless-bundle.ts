// A bundle of static busybox that belongs to somebody who is not root, and gantry-runc called by them.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeBusyboxRoot } from "../system/images.ts";
import { type Config, program, type Result } from "./runc-bundle.ts";

export const skip =
  (process.getuid?.() !== 0 && "needs root, to become somebody else") ||
  (!existsSync("/usr/bin/newuidmap") && "no newuidmap here (package uidmap)");

const NOBODY = "65534";

/** As nobody, in a mount namespace whose /etc/subuid and /etc/subgid give nobody a range. */
const asNobody = `mount --bind "$1/subids" /etc/subuid; mount --bind "$1/subids" /etc/subgid
folder=$1; shift
cd "$folder" && exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups \
  env -i PATH="$PATH" XDG_RUNTIME_DIR="$folder/run" GANTRY_RUNC_LINGER=1 "$@"`;

export const own = { containerID: 0, hostID: Number(NOBODY), size: 1 };
export const more = { containerID: 1, hostID: 200_000, size: 65_536 };

export interface RootlessBundle extends AsyncDisposable {
  readonly path: string;
  /** Runs gantry-runc; `detached`: the standard streams are /dev/null, since something goes on with them. */
  run(words: readonly string[], options?: { readonly detached?: boolean }): Result;
}

export async function makeRootlessBundle(
  change: (config: Config, path: string) => void,
): Promise<RootlessBundle> {
  const path = await mkdtemp(join(tmpdir(), "gantry-rootless-test-"));
  await using root = await makeBusyboxRoot();
  renameSync(root.path, join(path, "rootfs"));
  for (const name of ["run", "state"]) mkdirSync(join(path, name), { mode: 0o700 });
  writeFileSync(join(path, "subids"), "nobody:200000:65536\n");
  chmodSync(path, 0o755);
  spawnSync("chown", ["-R", `${NOBODY}:${NOBODY}`, path]);
  const run: RootlessBundle["run"] = (words, { detached = false } = {}) => {
    const globals = ["--root", join(path, "state")];
    const { status, stdout, stderr } = spawnSync(
      "unshare",
      ["-m", "sh", "-c", asNobody, "sh", path, program, ...globals, ...words],
      { encoding: "utf8", timeout: 120_000, ...(detached && { stdio: "ignore" }) },
    );
    return { code: status, stdout: stdout ?? "", stderr: stderr ?? "" };
  };
  assert.equal(run(["spec", "--rootless"]).code, 0);
  const config: Config = JSON.parse(readFileSync(join(path, "config.json"), "utf8"));
  config.process = { ...config.process, terminal: false };
  change(config, path);
  writeFileSync(join(path, "config.json"), JSON.stringify(config));
  return {
    path,
    run,
    [Symbol.asyncDispose]: async () => {
      run(["delete", "--force", "rootless"]);
      await rm(path, { recursive: true, force: true });
    },
  };
}
