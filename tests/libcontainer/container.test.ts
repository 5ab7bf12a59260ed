// What Docker's default container is, seen from inside and from the host.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { PlanError } from "#kernel/plan/executor.ts";
import {
  type ContainerMachine,
  cgroupsBelow,
  dockerSpec,
  outcomeOf,
  runScript,
  skip,
  startContainerMachine,
} from "./container-machine.ts";
import { hierarchiesOf, isVersion2, readLimits } from "./limits.ts";

let machine: ContainerMachine;
before(async () => {
  if (skip === false) machine = await startContainerMachine();
});
after(async () => {
  await machine?.[Symbol.asyncDispose]();
});

const run: typeof runScript extends (machine: ContainerMachine, ...rest: infer R) => infer T
  ? (...rest: R) => T
  : never = (...rest) => runScript(machine, ...rest);

test("the program is process 1 of its own namespaces with the given host name", { skip }, async () => {
  const { stdout, stderr, exitCode } = await run("echo $$; hostname; ls /proc | grep -c '^[0-9]*$'", {
    hostname: "inside",
  });
  assert.equal(stderr, "");
  assert.deepEqual(stdout.split("\n").slice(0, 2), ["1", "inside"]);
  assert.equal(exitCode, 0);
});

test("the exit code of the program is the container's", { skip }, async () => {
  assert.equal((await run("exit 42")).exitCode, 42);
});

test("bounding, permitted and effective hold Docker's capabilities, inheritable and ambient none", {
  skip,
}, async () => {
  const { stdout } = await run("grep Cap /proc/self/status");
  assert.deepEqual(
    Object.fromEntries([...stdout.matchAll(/^(Cap\w+):\s*(\w+)$/gm)].map(([, name, value]) => [name, value])),
    {
      CapInh: "0000000000000000",
      CapPrm: "00000000a80425fb",
      CapEff: "00000000a80425fb",
      CapBnd: "00000000a80425fb",
      CapAmb: "0000000000000000",
    },
  );
});

test("a user other than root keeps only the bounding set, its groups and its umask", { skip }, async () => {
  const { stdout } = await run("id -u; id -g; id -G; umask; grep Cap /proc/self/status", {
    process: { user: { uid: 1000, gid: 100, additionalGids: [100, 7], umask: 0o077 } },
  });
  assert.match(stdout, /^1000\n100\n100 7\n0077\n/);
  assert.match(stdout, /CapPrm:\s*0{16}\nCapEff:\s*0{16}\nCapBnd:\s*00000000a80425fb/);
});

test("the default seccomp profile is in force", { skip }, async () => {
  const { stdout } = await run("grep ^Seccomp: /proc/self/status; unshare -U true; echo $?");
  assert.match(stdout, /^Seccomp:\s*2\n1\n$/);
});

test("without a profile there is no filter", { skip }, async () => {
  const spec = dockerSpec(machine.host, machine.makeRoot(), "grep ^Seccomp: /proc/self/status");
  const { seccomp: _seccomp, ...linux } = spec.linux ?? {};
  await using container = await machine.create({ ...spec, linux });
  assert.match((await outcomeOf(container.shim)).stdout, /^Seccomp:\s*0\n$/);
});

test("no_new_privs is set when asked for, the filter too, also for other users", { skip }, async () => {
  for (const uid of [0, 1000]) {
    const { stdout, stderr } = await run("grep -E 'NoNewPrivs|^Seccomp:' /proc/self/status", {
      process: { noNewPrivileges: true, user: { uid, gid: 0 } },
    });
    assert.match(stdout, /NoNewPrivs:\s*1\nSeccomp:\s*2/, stderr);
  }
});

test("masked paths are empty, read-only paths refuse writes", { skip }, async () => {
  const { stdout } = await run(
    "cat /proc/keys /proc/timer_list | wc -c; ls /sys/firmware | wc -l; (echo 1 > /proc/sys/kernel/core_pattern) 2>&1; (echo x > /proc/sys/kernel/hostname) 2>&1",
  );
  assert.match(stdout, /^0\n0\n.*Read-only file system\n.*Read-only file system\n$/);
});

test("only 0, 1 and 2 reach the program", { skip }, async () => {
  const { stdout } = await run("ls /proc/self/fd; readlink /proc/self/fd/3");
  assert.match(stdout, /^0\n1\n2\n3\n/, "3 is the listing's own");
});

test("the machine's mounts are gone", { skip }, async () => {
  const { stdout } = await run("cat /proc/self/mountinfo");
  const points = stdout
    .trim()
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "");
  assert.equal(points[0], "/");
  assert.deepEqual(
    points.filter((point) => !/^\/($|proc|dev|sys)/.test(point)),
    [],
  );
  assert.ok(!stdout.includes(" shared:"));
});

test("/dev holds the default devices and links", { skip }, async () => {
  const { stdout } = await run(
    "ls /dev; stat -c '%n %t:%T %a' /dev/null /dev/tty; readlink /dev/fd; readlink /dev/ptmx; echo ok > /dev/null",
  );
  for (const name of [
    "null",
    "zero",
    "full",
    "random",
    "urandom",
    "tty",
    "fd",
    "stdin",
    "ptmx",
    "shm",
    "mqueue",
    "pts",
  ])
    assert.match(stdout, new RegExp(`^${name}$`, "m"));
  assert.match(stdout, /\/dev\/null 1:3 666\n\/dev\/tty 5:0 666\n\/proc\/self\/fd\npts\/ptmx/);
});

test("a device outside the rules may be made but not opened", { skip }, async () => {
  const { stdout } = await run("mknod /tmp/mem c 1 1 && echo made; head -c 1 /tmp/mem 2>&1");
  assert.match(stdout, /^made\n.*Operation not permitted\n$/);
});

test("a read-only root refuses writes, its tmpfs mounts do not", { skip }, async () => {
  const { stdout } = await run("(touch /x) 2>&1; touch /run/y && echo tmpfs; touch /dev/shm/z && echo shm", {
    readonly: true,
    mounts: [{ destination: "/run", type: "tmpfs", source: "tmpfs", options: ["nosuid"] }],
  });
  assert.match(stdout, /^touch: \/x: Read-only file system\ntmpfs\nshm\n$/);
});

test("binds: writable, read-only, of a file, onto a missing target", { skip }, async () => {
  const source = join(machine.folder, "volume");
  mkdirSync(source);
  writeFileSync(join(source, "file"), "content\n");
  const { stdout } = await run(
    "echo new > /data/new; (touch /ro/x) 2>&1; cat /etc/one; ls -d /deep/er/target",
    {
      mounts: [
        { destination: "/data", type: "bind", source, options: ["rbind", "rprivate"] },
        { destination: "/ro", type: "bind", source, options: ["rbind", "ro", "rprivate"] },
        { destination: "/etc/one", type: "bind", source: join(source, "file"), options: ["bind", "ro"] },
        { destination: "/deep/er/target", type: "bind", source, options: ["bind"] },
      ],
    },
  );
  assert.match(stdout, /^touch: \/ro\/x: Read-only file system\ncontent\n\/deep\/er\/target\n$/);
  assert.equal(readFileSync(join(source, "new"), "utf8"), "new\n");
});

test("a tmpfs over a directory takes its mode", { skip }, async () => {
  const { stdout } = await run("stat -c %a /tmp /work", {
    mounts: ["/tmp", "/work"].map((destination) => ({ destination, type: "tmpfs", source: "tmpfs" })),
  });
  assert.equal(stdout, "1777\n755\n");
});

test("limits are in the cgroup, the process is in it", { skip }, async () => {
  const spec = dockerSpec(
    machine.host,
    machine.makeRoot(),
    `cat /proc/self/cgroup; read line < /proc/self/cgroup; cd /sys/fs/cgroup
    cat memory/memory.limit_in_bytes || cat ".\${line#0::}/memory.max"`,
    {
      linux: {
        resources: {
          memory: { limit: 64 << 20 },
          pids: { limit: 30 },
          cpu: { shares: 512, quota: 50_000, period: 100_000 },
        },
      },
    },
  );
  await using container = await machine.create(spec);
  const limits = readLimits(container, machine.host);
  assert.deepEqual(
    { memory: limits.memory, pids: limits.pids, quota: limits.cpuQuota, portion: limits.cpuPortion },
    { memory: 64 << 20, pids: 30, quota: 50_000, portion: isVersion2(machine.host) ? 59 : 512 },
  );
  for (const directory of container.cgroups)
    assert.equal(readFileSync(`${directory}/cgroup.procs`, "utf8"), `${container.shim.initPid}\n`);
  const cpuset = container.cgroups.find((directory) => existsSync(`${directory}/cpuset.cpus.effective`));
  if (cpuset !== undefined)
    assert.notEqual(readFileSync(`${cpuset}/cpuset.cpus.effective`, "utf8").trim(), "");
  const { stdout } = await outcomeOf(container.shim);
  for (const { controllers } of hierarchiesOf(machine.host))
    assert.match(stdout, new RegExp(`:${controllers.join(",")}:${machine.cgroupParent}/`));
  assert.match(stdout, new RegExp(`\n${64 << 20}\n$`));
});

test("a cgroup namespace shows the container's cgroup as the root", { skip }, async () => {
  const script = "cat /proc/self/cgroup; cd /sys/fs/cgroup; ls memory/memory.stat memory.stat 2>/dev/null";
  const { stdout } = await run(script, {
    namespaces: ["mount", "uts", "pid", "ipc", "network", "cgroup"],
  });
  assert.match(
    stdout,
    isVersion2(machine.host) ? /^0::\/\nmemory\.stat\n$/ : /:memory:\/\n(.*\n)*memory\/memory\.stat\n$/,
  );
});

test("kernel parameters of the container's namespaces are set, others refused before anything is done", {
  skip,
}, async () => {
  const sysctl = { "net.ipv4.ip_unprivileged_port_start": "0", "kernel.msgmax": "4096" };
  const { stdout } = await run("cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax", {
    linux: { sysctl },
  });
  assert.equal(stdout, "0\n4096\n");
  await assert.rejects(
    run("true", { linux: { sysctl: { "kernel.core_pattern": "x" } } }),
    /not in a separate kernel namespace/,
  );
});

test("the working directory is made, and may not lead out", { skip }, async () => {
  assert.equal((await run("pwd", { process: { cwd: "/new/dir" } })).stdout, "/new/dir\n");
  await assert.rejects(run("pwd", { process: { cwd: "/proc/self/fd/7" } }), /breakout/);
});

test("a root where /proc, /sys or /dev is a symlink is refused", { skip }, async () => {
  for (const name of ["proc", "sys", "dev"]) {
    const root = machine.makeRoot((path) => symlinkSync("/tmp", join(path, name)));
    await assert.rejects(
      run("true", { root }),
      (error) =>
        error instanceof PlanError &&
        /no symlink/.test(error.why) &&
        ["ENOTDIR", "ELOOP"].includes(error.code),
      name,
    );
  }
});

test("a missing program fails with ENOENT of execve, one that may not run with EACCES", {
  skip,
}, async () => {
  const failWith = async (args: readonly string[], code: string): Promise<void> => {
    const root = machine.makeRoot((path) => writeFileSync(join(path, "bin/plain"), "data", { mode: 0o644 }));
    await using container = await machine.create(dockerSpec(machine.host, root, "", { process: { args } }));
    await assert.rejects(
      container.shim.start(new AbortController().signal),
      (error) => error instanceof PlanError && error.call.startsWith("exec") && error.code === code,
    );
  };
  await failWith(["no-such-program"], "ENOENT");
  await failWith(["/bin/no-such-program"], "ENOENT");
  await failWith(["plain"], "EACCES");
  assert.deepEqual(cgroupsBelow(machine.host, machine.cgroupParent), []);
});

test("resource limits are set, and clamped where they cannot be raised", { skip }, async () => {
  const { stdout } = await run("ulimit -n; ulimit -Hn; ulimit -Sc", {
    process: {
      rlimits: [
        { type: "RLIMIT_NOFILE", soft: 100, hard: 200 },
        { type: "RLIMIT_CORE", soft: 0, hard: -1 },
      ],
    },
  });
  assert.equal(stdout, "100\n200\n0\n");
});

test("a terminal is the console and the controlling terminal", { skip }, async () => {
  const root = machine.makeRoot();
  await using container = await machine.create(
    dockerSpec(machine.host, root, "tty; stty size; stat -c %t /dev/console; echo x > /dev/console", {
      process: { terminal: true, consoleSize: { height: 33, width: 99 } },
    }),
  );
  const stream = await container.shim.attach(
    "",
    { stdin: false, stdout: true, stderr: true },
    new AbortController().signal,
  );
  await container.shim.start(new AbortController().signal);
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  assert.match(text, /^\/dev\/(console|pts\/0)\r\n33 99\r\n88\r\nx\r\n$/);
});

test("an overlay root is mounted for the container alone", { skip }, async () => {
  const lower = machine.makeRoot();
  const make = (name: string): string => {
    const path = join(machine.folder, name);
    mkdirSync(path);
    return path;
  };
  const [upper, work, target] = ["upper", "workdir", "target"].map(make);
  const rootfs = [
    {
      destination: "",
      type: "overlay",
      source: "overlay",
      options: [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`, "index=off"],
    },
  ];
  await using container = await machine.create(dockerSpec(machine.host, target ?? "", "echo hi > /written"), {
    rootfs,
  });
  assert.ok(!readFileSync("/proc/self/mountinfo", "utf8").includes(machine.folder));
  assert.equal((await outcomeOf(container.shim)).exitCode, 0);
  assert.ok(existsSync(join(upper ?? "", "written")));
  assert.ok(!existsSync(join(lower, "written")));
});

test("a failed creation leaves no cgroup and no process", { skip }, async () => {
  const mounts = [{ destination: "/x", type: "bind", source: "/no/such/source", options: ["bind"] }];
  await assert.rejects(
    run("true", { mounts }),
    (error) => error instanceof PlanError && /mounts\[\d+\] \/x: open_tree\(2\): ENOENT/.test(error.message),
  );
  assert.deepEqual(cgroupsBelow(machine.host, machine.cgroupParent), []);
});
