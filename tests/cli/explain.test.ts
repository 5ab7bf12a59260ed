import assert from "node:assert/strict";
import { test } from "node:test";
import { gantry } from "./command-line.ts";
import { startFakeDaemon } from "./fake-daemon.ts";

const steps = [
  { index: 0, host: false, why: "namespaces", call: "clone3(CLONE_NEWNS|CLONE_NEWPID)" },
  { index: 1, host: true, why: "cgroups", call: 'write("cgroup.procs", "$PID")' },
];

test("explain shows each system call, who makes it and why", async () => {
  await using daemon = await startFakeDaemon(() => ({ json: steps }));
  const { code, stdout } = await gantry([
    "-H",
    daemon.host,
    "explain",
    "run",
    "-m",
    "64m",
    "busybox",
    "true",
  ]);
  assert.equal(code, 0);
  assert.equal(
    stdout,
    [
      "STEP  SIDE   SYSTEM CALL                       WHY",
      "0     child  clone3(CLONE_NEWNS|CLONE_NEWPID)  namespaces",
      '1     host   write("cgroup.procs", "$PID")     cgroups',
      "",
    ].join("\n"),
  );
  assert.match(daemon.asked[0]?.body ?? "", /"Image":"busybox".*"Memory":67108864/);
});
