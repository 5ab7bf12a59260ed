// The rows of the record that are about Docker, with the real client against gantryd.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Engine, startEngine } from "../system/engine.ts";
import { importImage, makeBusyboxRoot } from "../system/images.ts";
import { run } from "../system/process.ts";
import { until } from "../system/until.ts";
import { buildProbe, putProbe } from "./probe.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const binary = join(import.meta.dirname, "../../native/build/gantry-exec");

let engine: Engine | undefined;
const running = (): Engine => {
  assert.ok(engine);
  return engine;
};
const docker: Engine["docker"] = (...args) => running().docker(...args);
const tryDocker = (...args: readonly string[]) => running().tryDocker(args);

before(async () => {
  if (skip) return;
  engine = await startEngine();
  await using root = await makeBusyboxRoot();
  putProbe(buildProbe(engine.dir))(root.path);
  for (let fd = 3; fd < 100; fd++) symlinkSync(`/proc/self/fd/${fd}`, join(root.path, `link${fd}`));
  const passwd = [
    "root:x:0:0::/root:/bin/sh",
    "1000:x:0:0::/:/bin/sh",
    "4294967296:x:0:0::/:/bin/sh",
    "user:x:500:500::/:/bin/sh",
  ];
  writeFileSync(join(root.path, "etc/passwd"), `${passwd.join("\n")}\n`);
  writeFileSync(
    join(root.path, "etc/group"),
    "root:x:0:\nuser:x:500:\na:x:7:user\nb:x:8:user,other\nc:x:9:user\n1000:x:0:\n",
  );
  writeFileSync(join(root.path, "bin/evil"), "#!/proc/self/exe\n", { mode: 0o755 });
  await importImage(engine, root.path, "hostile", ['CMD ["sh"]', "LABEL com.docker.seccomp=unconfined"]);
  for (const fd of [7, 66])
    await importImage(engine, root.path, `workdir${fd}`, [`WORKDIR /proc/self/fd/${fd}`]);
});
after(async () => {
  await engine?.[Symbol.asyncDispose]();
});

/** A container that does nothing, gone at the end. */
async function idle(...flags: readonly string[]): Promise<AsyncDisposable & { readonly id: string }> {
  const id = await docker("run", "-d", ...flags, "hostile", "sleep", "1000");
  return { id, [Symbol.asyncDispose]: async () => void (await docker("rm", "-f", id)) };
}

test("CVE-2024-21626: run -w, exec -w and WORKDIR through a descriptor end inside or not at all", {
  skip,
}, async () => {
  const inside = /^\/[^(]*$/;
  const look = ["sh", "-c", "pwd; ls / > /dev/null"];
  await using box = await idle();
  for (const fd of [3, 6, 7, 8, 9, 64, 66, 96])
    for (const path of [`/proc/self/fd/${fd}`, `/link${fd}`])
      for (const args of [
        ["run", "--rm", "-w", path, "hostile", ...look],
        ["exec", "-w", path, box.id, ...look],
      ]) {
        const { code, stdout } = await tryDocker(...args);
        assert.ok(code !== 0 || inside.test(stdout.trim()), `${args.join(" ")}: ${stdout}`);
      }
  for (const fd of [7, 66]) {
    const { code, stdout } = await tryDocker("run", "--rm", `workdir${fd}`, ...look);
    assert.ok(code !== 0 || inside.test(stdout.trim()), stdout);
  }
});

test("CVE-2015-3627: run, exec and a health check find their standard streams only", { skip }, async () => {
  const list = ["ls", "/proc/self/fd"];
  assert.equal(await docker("run", "--rm", "hostile", ...list), "0\n1\n2\n3");
  await using box = await idle("--health-cmd", "ls /proc/self/fd > /checked", "--health-interval", "1s");
  assert.equal(await docker("exec", box.id, ...list), "0\n1\n2\n3");
  await until(async () => (await tryDocker("exec", box.id, "cat", "/checked")).stdout !== "");
  assert.equal(await docker("exec", box.id, "cat", "/checked"), "0\n1\n2\n3");
});

test("CVE-2016-9962: docker exec cannot be looked into or traced", { skip }, async () => {
  const id = await docker("run", "-d", "hostile", "probe", "spy", "/stop");
  for (let count = 0; count < 30; count++) await docker("exec", id, "true");
  await docker("exec", id, "touch", "/stop");
  while ((await docker("ps", "-q", "--no-trunc")).includes(id)) await tryDocker("exec", id, "true");
  const seen = await docker("logs", id);
  await docker("rm", "-f", id);
  assert.match(seen, /^met [1-9]\d*$/);
});

test("CVE-2019-5736: the daemon's programs cannot be overwritten", { skip }, async () => {
  const digests = (): readonly string[] =>
    [binary, process.execPath].map((path) => createHash("sha256").update(readFileSync(path)).digest("hex"));
  const before = digests();
  const id = await docker("run", "-d", "hostile", "probe", "overwrite", "gantry-exec");
  for (let count = 0; count < 20; count++) await tryDocker("exec", id, count % 2 === 0 ? "true" : "evil");
  await tryDocker("run", "--rm", "--pid", `container:${id}`, "hostile", "/bin/evil");
  await sleep(200);
  await docker("rm", "-f", id);
  assert.deepEqual(digests(), before);
});

test("CVE-2022-24769: the inheritable set is empty for run, exec, --privileged and other users", {
  skip,
}, async () => {
  const look = ["grep", "CapInh", "/proc/self/status"];
  await using box = await idle();
  for (const args of [
    ["run", "--rm", "hostile"],
    ["run", "--rm", "--privileged", "hostile"],
    ["run", "--rm", "--cap-add", "ALL", "--user", "500", "hostile"],
    ["exec", box.id],
    ["exec", "--privileged", box.id],
    ["exec", "--user", "500", box.id],
  ])
    assert.equal(await docker(...args, ...look), "CapInh:\t0000000000000000", args.join(" "));
});

test("CVE-2016-3697, 2026-46680, 2024-40635: a numeric user is that number, and one out of range is refused", {
  skip,
}, async () => {
  for (const user of ["1000", "2000"]) // the first is the name of a user with another number
    assert.equal(await docker("run", "--rm", "--user", user, "hostile", "id", "-u"), user);
  for (const user of [
    "4294967296",
    "2147483648",
    "-1",
    "4294967296:0",
    "0:4294967296",
    "99999999999999999999",
  ]) {
    const { code, stdout } = await tryDocker("run", "--rm", "--user", user, "hostile", "id", "-u");
    assert.notEqual(code, 0, `${user}: ${stdout}`);
  }
});

test("CVE-2022-36109: a user of the image is in all of its groups, for run and exec", { skip }, async () => {
  assert.equal(await docker("run", "--rm", "--user", "user", "hostile", "id", "-G"), "500 7 8 9");
  await using box = await idle("--user", "user");
  assert.equal(await docker("exec", box.id, "id", "-G"), "500 7 8 9");
});

test("CVE-2021-41091, 2014-3499: others cannot reach the daemon's directories, nor its socket", {
  skip,
}, async () => {
  chmodSync(running().dir, 0o711);
  await using box = await idle();
  const nobody = (...args: readonly string[]) =>
    run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", ...args]);
  for (const path of [
    "root",
    "root/containers",
    `root/containers/${box.id}`,
    "root/containerd",
    "exec/tasks",
  ])
    assert.notEqual((await nobody("ls", join(running().dir, path))).code, 0, path);
  assert.equal(statSync(running().socket).mode & 0o777, 0o660);
  const { stdout, code } = await nobody("curl", "-s", "--unix-socket", running().socket, "http://d/_ping");
  assert.ok(code !== 0 && stdout === "", stdout);
});

test("CVE-2020-15257: no socket of ours has an abstract name, which a container on the host's network could reach", {
  skip,
}, async () => {
  const sockets = await docker("run", "--rm", "--net", "host", "hostile", "cat", "/proc/net/unix");
  const ours = sockets
    .split("\n")
    .filter((line) => line.includes("@") && /gantry|docker|containerd/.test(line));
  assert.deepEqual(ours, []);
});

test("CVE-2022-1227: docker top runs nothing of the image", { skip }, async () => {
  await using box = await idle();
  const script =
    "for p in ps cat sh; do rm -f /bin/$p; printf '#!/bin/busybox sh\\ntouch /ran\\n' > /bin/$p; chmod 755 /bin/$p; done";
  await docker("exec", box.id, "busybox", "sh", "-c", script);
  assert.match(await docker("top", box.id), /sleep 1000/);
  assert.notEqual((await tryDocker("exec", box.id, "ls", "/ran")).code, 0);
});

test("CVE-2014-6408, 2026-53488, -94603, -121885: labels and annotations are data: they change nothing of the confinement", {
  skip,
}, async () => {
  const script =
    "grep -E 'Cap|Seccomp|NoNewPrivs' /proc/self/status; cut -d' ' -f5,6 /proc/self/mountinfo | grep -v '^/etc'";
  const plain = await docker("run", "--rm", "hostile", "sh", "-c", script);
  const labels = [
    "io.containerd.runc.v2.restore=/x",
    "org.systemd.property.X=1",
    "run.oci.handler=krun",
    "org.criu.restore=1",
  ];
  const labelled = labels.flatMap((label) => ["--label", label, "--annotation", label]);
  assert.equal(await docker("run", "--rm", ...labelled, "hostile", "sh", "-c", script), plain);
});
