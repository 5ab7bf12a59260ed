// What commands leave when they fail, and whom they blame.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gantry } from "./command-line.ts";
import { startFakeDaemon } from "./fake-daemon.ts";

test("start names the containers that did not start, and only those", async () => {
  await using daemon = await startFakeDaemon(({ line }) =>
    line.includes("/bad/") ? { status: 500, json: { message: "no" } } : { status: 204 },
  );
  assert.deepEqual(await gantry(["-H", daemon.host, "start", "good", "bad"]), {
    code: 1,
    stdout: "good\n",
    stderr: "Error response from daemon: no\nError: failed to start containers: bad\n",
  });
});

test("an archive does not take a device's place", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-save-"));
  try {
    // A link: were it replaced all the same, the machine would still have its device.
    const path = join(folder, "device");
    symlinkSync("/dev/null", path);
    await using daemon = await startFakeDaemon(() => ({ json: {} }));
    const { code, stderr } = await gantry(["-H", daemon.host, "save", "-o", path, "x"]);
    assert.deepEqual([code, daemon.asked.length], [1, 0]);
    assert.match(stderr, /device" must be a directory or a regular file: got a device/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("load sends the file and closes it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-load-"));
  try {
    const path = join(folder, "x.tar");
    const content = "x".repeat(300_000);
    writeFileSync(path, content);
    await using daemon = await startFakeDaemon(() => ({ lines: [{ stream: "Loaded image: x\n" }] }));
    const { stdout } = await gantry(["-H", daemon.host, "load", "-i", path]);
    assert.equal(stdout, "Loaded image: x\n");
    assert.equal(daemon.asked[0]?.body, content);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("pull names the repository as Docker's client does", async () => {
  await using daemon = await startFakeDaemon(() => ({ lines: [] }));
  await gantry(["-H", daemon.host, "pull", "-q", "docker.io/team/app"]);
  assert.equal(daemon.asked[0]?.line, "POST /images/create?fromImage=team/app&tag=latest");
});

test("an exec whose detach keys are wrong lets go of its connection", async () => {
  const ended = Promise.withResolvers<void>();
  await using daemon = await startFakeDaemon(({ line }) =>
    line.includes("/start")
      ? { hijack: (socket) => socket.once("end", () => ended.resolve()).resume() }
      : { status: 201, json: { Id: "e" } },
  );
  const { code, stderr } = await gantry(["-H", daemon.host, "exec", "--detach-keys", "ctrl-ä", "c", "true"]);
  assert.equal(code, 1);
  assert.match(stderr, /invalid detach keys/);
  await ended.promise;
});

test("a container's id file is not left when there is no container", async () => {
  await using daemon = await startFakeDaemon(() => ({ status: 500, json: { message: "no" } }));
  const path = join(tmpdir(), `gantry-cid-${process.pid}`);
  const { code } = await gantry(["-H", daemon.host, "create", "--cidfile", path, "busybox"]);
  assert.equal(code, 1);
  assert.throws(() => rmSync(path), { code: "ENOENT" });
});

test("--debug is told by info", async () => {
  await using daemon = await startFakeDaemon(() => ({ json: {} }));
  for (const [flags, wanted] of [
    [[], "false"],
    [["-D"], "true"],
  ] as const) {
    const { stdout } = await gantry(["-H", daemon.host, ...flags, "info", "-f", "{{.ClientInfo.Debug}}"]);
    assert.equal(stdout, `${wanted}\n`);
  }
});
