// gantry-runc called by somebody who is not root: ids mapped by newuidmap and newgidmap, or only the caller's own.

import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { claimed } from "#base/decode.ts";
import { buildProbe, startAgent } from "../attacks/probe.ts";
import { makeRootlessBundle, more, own, skip } from "./rootless-bundle.ts";
import type { Result } from "./runc-bundle.ts";

/** Runs `id` and shows the maps. */
async function run(maps: readonly object[], additionalGids: readonly number[] = []): Promise<Result> {
  await using bundle = await makeRootlessBundle((config) => {
    config.process = {
      ...config.process,
      args: ["sh", "-c", "id; cat /proc/self/uid_map /proc/self/gid_map"],
      user: { uid: 0, gid: 0, additionalGids },
    };
    config.linux = { ...config.linux, uidMappings: maps, gidMappings: maps };
  });
  return bundle.run(["run", "rootless"]);
}

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

test("an agent answers for a further process of a rootless command", {
  skip: skip || (process.arch !== "x64" && "the probe speaks x86"),
}, async () => {
  let socket = "";
  await using bundle = await makeRootlessBundle((config, path) => {
    config.process = { ...config.process, args: ["sleep", "1000"] };
    config.linux = { ...config.linux, uidMappings: [own], gidMappings: [own] };
    const syscalls = [{ names: ["mkdir"], action: "SCMP_ACT_NOTIFY" }];
    socket = join(path, "agent.sock");
    config.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", listenerPath: socket, syscalls };
  });
  const MKDIR = 83;
  const ENOMEDIUM = 123;
  await using agent = await startAgent(buildProbe(bundle.path), socket, [MKDIR, ENOMEDIUM]);
  chmodSync(socket, 0o777);
  assert.equal(bundle.run(["run", "--detach", "rootless"], { detached: true }).code, 0);
  await agent.next();
  const { stdout, stderr } = bundle.run([
    "exec",
    "rootless",
    "sh",
    "-c",
    "mkdir /tmp/made 2>&1; ls /proc/self/fd",
  ]);
  assert.equal(stdout, "mkdir: can't create directory '/tmp/made': No medium found\n0\n1\n2\n3\n", stderr);
  const told = claimed<{ readonly state: object }>(await agent.next());
  assert.equal(Reflect.get(told.state, "status"), "running");
});
