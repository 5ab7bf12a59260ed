// Images that try to lead the setup out of their root: nothing outside may be touched, whatever they contain.

import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  type ContainerMachine,
  dockerSpec,
  outcomeOf,
  runScript,
  skip,
  startContainerMachine,
} from "./container-machine.ts";

let machine: ContainerMachine;
let outside: string;
before(async () => {
  if (skip !== false) return;
  machine = await startContainerMachine();
  outside = join(machine.folder, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "sentinel"), "untouched\n", { mode: 0o640 });
});
after(async () => {
  await machine?.[Symbol.asyncDispose]();
});

function assertUntouched(): void {
  assert.deepEqual(readdirSync(outside), ["sentinel"]);
  assert.equal(readFileSync(join(outside, "sentinel"), "utf8"), "untouched\n");
  const { mode, uid } = statSync(join(outside, "sentinel"));
  assert.deepEqual([mode & 0o777, uid], [0o640, 0]);
}

const climb = (): string => `${"../".repeat(12)}${outside.slice(1)}`;
const volume = (): string => {
  const path = join(machine.folder, "volume");
  mkdirSync(path, { recursive: true });
  return path;
};

test("mount targets behind symlinks stay below the root", { skip }, async () => {
  for (const link of [outside, climb()]) {
    const root = machine.makeRoot((path) => {
      symlinkSync(link, join(path, "data"));
      rmSync(join(path, "etc"), { recursive: true });
      symlinkSync(link, join(path, "etc"));
    });
    const { stdout } = await runScript(machine, "ls -d /data/. /etc/made", {
      root,
      mounts: [
        { destination: "/data", type: "bind", source: volume(), options: ["rbind"] },
        {
          destination: "/etc/made",
          type: "bind",
          source: join(outside, "sentinel"),
          options: ["bind", "ro"],
        },
      ],
    });
    assert.equal(stdout, "/data/.\n/etc/made\n");
    assert.ok(existsSync(join(root, outside)), "the links lead to a directory inside");
    assertUntouched();
  }
});

test("a file is bound where a dangling symlink of the image points to", { skip }, async () => {
  const root = machine.makeRoot((path) => {
    symlinkSync("../run/systemd/resolve/stub.conf", join(path, "etc/resolv.conf"));
    symlinkSync("b", join(path, "a"));
    symlinkSync("a", join(path, "b"));
  });
  const source = join(outside, "sentinel");
  const { stdout } = await runScript(machine, "cat /etc/resolv.conf /run/systemd/resolve/stub.conf", {
    root,
    mounts: [{ destination: "/etc/resolv.conf", type: "bind", source, options: ["bind", "ro"] }],
  });
  assert.equal(stdout, "untouched\nuntouched\n");
  const circle = [{ destination: "/a", type: "bind", source, options: ["bind"] }];
  await assert.rejects(runScript(machine, "true", { root, mounts: circle }), /ELOOP/);
});

test("tmpfs, devices, links and the working directory stay below the root", { skip }, async () => {
  const root = machine.makeRoot((path) => {
    symlinkSync(climb(), join(path, "scratch"));
    symlinkSync(outside, join(path, "home"));
  });
  const { stdout } = await runScript(machine, "touch /scratch/x; pwd; ls /scratch", {
    root,
    process: { cwd: "/home/me" },
    linux: { devices: [{ type: "c", path: "/home/dev/null", major: 1, minor: 3, fileMode: 0o666 }] },
    mounts: [{ destination: "/scratch", type: "tmpfs", source: "tmpfs", options: ["size=1m"] }],
  });
  assert.match(stdout, /\nx\n$/);
  assertUntouched();
});

test("/dev/null, /dev/console and /dev/pts of the image are not used", { skip }, async () => {
  const root = machine.makeRoot((path) => {
    mkdirSync(join(path, "dev"));
    for (const name of ["null", "console", "ptmx", "fd"])
      symlinkSync(join(outside, "sentinel"), join(path, "dev", name));
    symlinkSync(outside, join(path, "dev/pts"));
  });
  const { stdout } = await runScript(
    machine,
    "echo x > /dev/null; stat -c %t:%T /dev/null; cat /proc/keys | wc -c",
    { root },
  );
  assert.equal(stdout, "1:3\n0\n");
  await using container = await machine.create(
    dockerSpec(machine.host, root, "echo x > /dev/console", { process: { terminal: true } }),
  );
  await container.shim.start(new AbortController().signal);
  await container.shim.wait("", new AbortController().signal);
  assertUntouched();
});

test("without a /dev of its own, a mask that would come from the image's /dev/null fails", {
  skip,
}, async () => {
  const root = machine.makeRoot((path) => {
    mkdirSync(join(path, "dev"));
    symlinkSync("/tmp/writable", join(path, "dev/null"));
    writeFileSync(join(path, "tmp/writable"), "");
    chmodSync(join(path, "tmp/writable"), 0o666);
  });
  const spec = dockerSpec(machine.host, root, "cat /proc/keys | wc -c");
  const mounts = (spec.mounts ?? []).filter(({ destination }) => !destination.startsWith("/dev"));
  const created = machine.create({ ...spec, mounts });
  const end = await created.then(
    async (container) => {
      await using ended = container;
      return (await outcomeOf(ended.shim)).stdout;
    },
    (error: unknown) => (error instanceof Error ? error.message : ""),
  );
  assert.match(end, /^(0\n|.*\/dev\/null.*|.*maskedPaths.*)$/);
});

test("a masked path that is a symlink is not followed out of the root", { skip }, async () => {
  const root = machine.makeRoot((path) => symlinkSync(join(outside, "sentinel"), join(path, "secret")));
  const spec = dockerSpec(machine.host, root, "true");
  const linux = { ...spec.linux, maskedPaths: ["/secret"], readonlyPaths: ["/secret"] };
  await using container = await machine.create({ ...spec, linux });
  await outcomeOf(container.shim);
  assertUntouched();
  writeFileSync(join(outside, "sentinel"), "untouched\n"); // still writable
});

test("a kernel parameter cannot be redirected by a file system over /proc/sys", { skip }, async () => {
  const root = machine.makeRoot();
  const spec = dockerSpec(machine.host, root, "true", {
    mounts: [{ destination: "/proc/sys", type: "tmpfs", source: "tmpfs" }],
    linux: { sysctl: { "net.ipv4.ip_unprivileged_port_start": "0" } },
  });
  await assert.rejects(machine.create(spec), /inside \/proc/);
});

test("nothing of the host's binaries can be written through /proc/self/exe", { skip }, async () => {
  const binary = join(import.meta.dirname, "../../native/build/gantry-exec");
  const before = statSync(binary);
  const root = machine.makeRoot((path) =>
    writeFileSync(join(path, "bin/evil"), "#!/proc/self/exe\n", { mode: 0o755 }),
  );
  await using container = await machine.create(
    dockerSpec(machine.host, root, "", { process: { args: ["/bin/evil"] } }),
  );
  await container.shim.start(new AbortController().signal).catch(() => {});
  const now = statSync(binary);
  assert.deepEqual([now.ino, now.size, now.mtimeMs], [before.ino, before.size, before.mtimeMs]);
});

test("100 creations while a target flips between directory and symlink leave the host alone", {
  skip,
}, async () => {
  const shared = volume();
  mkdirSync(join(shared, "target"));
  symlinkSync(climb(), join(shared, "link"));
  const flip =
    "cd /shared; while :; do mv target aside; mv link target; mv target link; mv aside target; done 2>/dev/null";
  const mounts = [{ destination: "/shared", type: "bind", source: shared, options: ["rbind"] }];
  await using hostile = await machine.create(
    dockerSpec(
      machine.host,
      machine.makeRoot((path) => symlinkSync("busybox", join(path, "bin/mv"))),
      flip,
      { mounts },
    ),
  );
  await hostile.shim.start(new AbortController().signal);
  const root = machine.makeRoot();
  for (let attempt = 0; attempt < 100; attempt++) {
    const spec = dockerSpec(machine.host, root, "true", {
      mounts: [
        ...mounts,
        { destination: "/shared/target", type: "tmpfs", source: "tmpfs" },
        {
          destination: "/shared/target/deep",
          type: "bind",
          source: join(outside, "sentinel"),
          options: ["bind"],
        },
      ],
    });
    await using _created = await machine.create(spec).catch(() => null);
  }
  assertUntouched();
  assert.ok(!readFileSync("/proc/self/mountinfo", "utf8").includes(machine.folder));
});
