// The execution drivers under the real docker client: what each isolates, refuses, and leaves: nothing.

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Engine, startEngine } from "./engine.ts";
import { importBusybox } from "./images.ts";
import { differences, type MachineState, readMachineState } from "./machine-state.ts";
import { until } from "./until.ts";

const project = join(import.meta.dirname, "../..");
const skip = process.getuid?.() !== 0 && "needs root";

/** Those that make containers as an OCI runtime does. */
const complete = ["lxc", "real-runc"];

describe("execution drivers", { skip }, () => {
  let engine: Engine;
  let state: MachineState;
  before(async () => {
    state = readMachineState();
    const runtimes = { "real-runc": { path: "/usr/sbin/runc" } };
    engine = await startEngine({ config: { runtimes } });
    await importBusybox(engine);
  });
  after(async () => {
    await engine[Symbol.asyncDispose]();
    const ours = (line: string): boolean =>
      line.includes(engine.netns) || /docker\/[0-9a-f]{64}|lxc/.test(line);
    assert.deepEqual(differences(state, readMachineState()).filter(ours), []);
    assert.deepEqual(globSync("/run/lxc/**"), []);
  });

  const run = (runtime: string, ...args: readonly string[]) =>
    engine.tryDocker(["run", "--rm", "--runtime", runtime, ...args]);
  const running = (runtime: string, ...flags: readonly string[]) =>
    engine.docker("run", "-d", "--runtime", runtime, "--name", "box", ...flags, "busybox", "sleep", "1000");

  test("info lists them, and create refuses any other by name", async () => {
    const listed = await engine.docker(
      "info",
      "--format",
      "{{range $name, $_ := .Runtimes}}{{$name}} {{end}}",
    );
    for (const name of ["runc", "chroot", ...complete]) assert.ok(listed.split(" ").includes(name), name);
    const { code, stderr } = await run("nosuch", "busybox", "true");
    assert.equal(code, 125);
    assert.match(stderr, /unknown or invalid runtime name: nosuch/);
  });

  for (const runtime of [...complete, "chroot"]) {
    test(`${runtime}: streams, exit code, environment, user and working directory are the container's`, async () => {
      const script = 'read line; echo "$line $FOO $(id -u):$(id -g) $PWD"; echo oops >&2; exit 7';
      const flags = ["-i", "-e", "FOO=a b", "-u", "33:33", "-w", "/var/www"];
      const { code, stdout, stderr } = await engine.tryDocker(
        ["run", "--rm", "--runtime", runtime, ...flags, "busybox", "sh", "-c", script],
        { input: "hello\n" },
      );
      assert.deepEqual(
        [code, stdout, stderr.trim().split("\n").at(-1)],
        [7, "hello a b 33:33 /var/www\n", "oops"],
      );
    });

    test(`${runtime}: exec, logs, stop and rm`, async () => {
      const script = "trap 'echo ending; exit 3' TERM; echo up; while :; do sleep 0.05; done";
      await engine.docker("run", "-d", "--runtime", runtime, "--name", "box", "busybox", "sh", "-c", script);
      const seen = await engine.tryDocker([
        "exec",
        "-e",
        "X=y",
        "-w",
        "/tmp",
        "box",
        "sh",
        "-c",
        "echo $X $PWD; exit 5",
      ]);
      assert.deepEqual([seen.code, seen.stdout], [5, "y /tmp\n"]);
      await untilLogged(engine, "up");
      await engine.docker("stop", "-t", "5", "box");
      assert.equal(await engine.docker("inspect", "--format", "{{.State.ExitCode}}", "box"), "3");
      assert.equal(await engine.docker("logs", "box"), "up\nending");
      await engine.docker("rm", "box");
    });

    test(`${runtime}: a volume is there, and a terminal is one`, async () => {
      await run(runtime, "-v", "kept:/data", "busybox", "sh", "-c", "echo kept >/data/file");
      const { stdout } = await run(runtime, "-v", "kept:/data:ro", "busybox", "cat", "/data/file");
      assert.equal(stdout, "kept\n");
      const script = "test -t 0 && test -t 1 && echo terminal";
      const shown = await run(runtime, "-t", "busybox", "sh", "-c", script);
      assert.match(shown.stdout, /^terminal\r\n/);
      await engine.docker("volume", "rm", "kept");
    });

    test(`${runtime}: rm -f ends everything`, async () => {
      await running(runtime);
      await engine.docker("exec", "-d", "box", "sleep", "1000");
      await engine.docker("rm", "-f", "box");
    });
  }

  for (const runtime of complete) {
    test(`${runtime}: processes, host name, network and capabilities are the container's own`, async () => {
      const script =
        "hostname; ip -o link | wc -l; ps | grep -c [g]antry; grep CapEff /proc/self/status; echo $(grep ^Seccomp: /proc/self/status)";
      const { stdout } = await run(runtime, "-h", "box", "--network", "none", "busybox", "sh", "-c", script);
      assert.equal(stdout, "box\n1\n0\nCapEff:\t00000000a80425fb\nSeccomp: 2\n");
    });

    test(`${runtime}: the network and its limits are Docker's`, async () => {
      await running(runtime, "--memory", "32m", "--pids-limit", "50");
      const address = await engine.docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", "box");
      assert.match(await engine.docker("exec", "box", "ip", "-o", "addr"), new RegExp(`inet ${address}/`));
      const usage = await engine.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", "box");
      assert.match(usage, /\/ 32MiB$/);
      assert.match(await engine.docker("top", "box"), /sleep 1000/);
      await engine.docker("pause", "box");
      await engine.docker("unpause", "box");
      await engine.docker("rm", "-f", "box");
    });
  }

  test("chroot warns, and isolates only the root file system", async () => {
    const created = await engine.tryDocker([
      "create",
      "--runtime",
      "chroot",
      "--name",
      "box",
      "busybox",
      "true",
    ]);
    assert.match(created.stderr, /Runtime chroot isolates nothing but the root file system/);
    await engine.docker("rm", "box");
    const { stdout } = await run("chroot", "-h", "box", "busybox", "sh", "-c", "hostname; ls /proc | wc -l");
    const host = (await run("runc", "--uts", "host", "busybox", "hostname")).stdout;
    assert.equal(stdout, `${host}0\n`);
  });

  test("the documentation shows what each driver isolates", async () => {
    const [header = [], ...rows] = readTables("docs/execution-drivers.md")[1] ?? [];
    const probes = rows.map(([probe = ""]) => probe.replace(/^`|`$/g, ""));
    const find = "P=/proc; [ -e $P/self ] || { P=/tmp; mount -t proc proc $P; }";
    const script = [find, ...probes.map((probe) => `{ ${probe}; } 2>&1; echo --`)].join("\n");
    for (const [column, runtime = ""] of header.entries()) {
      if (column === 0) continue;
      const { stdout } = await run(runtime, "-h", "box", "busybox", "sh", "-c", script);
      const seen = stdout.split("--\n").slice(0, -1);
      const told = rows.map((row) => row[column] ?? "");
      assert.deepEqual(
        seen.map((text, index) => (told[index] === "@init" ? "@init" : text.trim())),
        told,
        runtime,
      );
    }
  });

  test("the exit code of a program that is not there is as documented", async () => {
    const [header = [], codes = []] = readTables("docs/execution-drivers.md")[2] ?? [];
    for (const [column, runtime = ""] of header.entries())
      if (column > 0)
        assert.equal(String((await run(runtime, "busybox", "nosuch")).code), codes[column], runtime);
  });

  test("explain shows the plan of the driver", async () => {
    const { stdout } = await engine.tryDocker(
      ["explain", "run", "--runtime", "lxc", "busybox", "echo", "hello"],
      { program: join(project, "bin/gantry") },
    );
    assert.match(stdout, /execve\(.*lxc-execute/);
  });

  test("what a driver cannot express is refused by name", async () => {
    const refused = async (runtime: string, ...flags: readonly string[]) =>
      (await run(runtime, ...flags, "busybox", "true")).stderr;
    assert.match(
      await refused("chroot", "--memory", "32m"),
      /a resource limit with runtime chroot is not supported/,
    );
    assert.match(await refused("lxc", "--domainname", "x"), /domainname with runtime lxc is not supported/);
    assert.match(await refused("lxc", "-e", "X=a "), /runtime lxc: lxc.environment cannot hold/);
  });

  test("a daemon that starts again adopts them", async () => {
    await using second = await startEngine({ config: { "live-restore": true } });
    await importBusybox(second);
    await second.docker("run", "-d", "--runtime", "lxc", "--name", "box", "busybox", "sleep", "1000");
    await second.kill();
    await second.restart();
    assert.equal(await second.docker("exec", "box", "hostname"), (await second.docker("ps", "-q")).trim());
    await second.docker("rm", "-f", "box");
  });
});

/** Tables of a document: header, then rows. */
function readTables(path: string): string[][][] {
  const blocks = readFileSync(join(project, path), "utf8").match(/(?:^\|.*\n)+/gm) ?? [];
  const cells = (line: string): string[] =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll("\\|", "|"));
  return blocks.map((block) =>
    block
      .trimEnd()
      .split("\n")
      .filter((line) => !line.startsWith("| ---"))
      .map(cells),
  );
}

async function untilLogged(engine: Engine, text: string): Promise<void> {
  const logged = async (): Promise<boolean> => (await engine.docker("logs", "box")).includes(text);
  await until(logged);
  assert.ok(await logged(), `nothing says ${text}`);
}
