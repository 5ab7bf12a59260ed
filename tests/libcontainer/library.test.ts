// gantry/libcontainer: containers of a program, from sources and as the package that is published.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { type ContainerEvent, type Libcontainer, openLibcontainer } from "#main/libcontainer.ts";
import { makeBusyboxRoot } from "../system/images.ts";
import { until } from "../system/until.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const project = join(import.meta.dirname, "../..");

/** What a library below this directory has left, in it and among the cgroups. */
const leftOf = (directory: string, name: string): readonly string[] => [
  ...(existsSync(join(directory, name)) ? globSync(`${directory}/${name}/**`) : []),
  ...globSync(`/sys/fs/cgroup/{${name},*/${name}}/**`),
];

describe("gantry/libcontainer", { skip }, () => {
  const directory = skip ? "" : mkdtempSync(join(tmpdir(), "gantry-library-"));
  let root: AsyncDisposable & { readonly path: string };
  let library: Libcontainer;
  let name = "";
  before(async () => {
    root = await makeBusyboxRoot();
    chmodSync(root.path, 0o755);
    library = await openLibcontainer({ directory });
    name = basename(globSync(`${directory}/*`)[0] ?? "");
  });
  after(async () => {
    await library[Symbol.asyncDispose]();
    const left = leftOf(directory, name);
    await root[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
    assert.deepEqual(left, []);
  });

  const shell = (script: string) => library.sandbox({ root: root.path, args: ["/bin/sh", "-c", script] });

  test("streams and the exit code are the program's", async () => {
    await using container = await library.run(shell("cat; echo oops >&2; exit 7"));
    container.stdin.end("hello");
    const [stdout, stderr, exit] = await Promise.all([
      text(container.stdout),
      text(container.stderr),
      container.wait(),
    ]);
    assert.deepEqual([stdout, stderr, exit.exitCode], ["hello", "oops\n", 7]);
  });

  test("much output arrives whole", async () => {
    await using container = await library.run(shell("head -c 3000000 /dev/zero"));
    const [output] = await Promise.all([text(container.stdout), container.wait()]);
    assert.equal(output.length, 3_000_000);
  });

  test("a sandbox has no capabilities, no network and a root that cannot be written", async () => {
    await using container = await library.run(
      shell(
        "grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status; ls /sys/class/net; touch /x || hostname",
      ),
    );
    const output = await text(container.stdout);
    assert.equal(output, "CapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nlo\nsandbox\n");
  });

  test("a created container waits for its start", async () => {
    await using container = await library.create(shell("echo started"));
    assert.deepEqual(await container.pids(), [container.pid]);
    await container.start();
    assert.equal(await text(container.stdout), "started\n");
  });

  test("a program that is not there is told by name, and nothing is left of its container", async () => {
    const started = library.run(library.sandbox({ root: root.path, args: ["/nosuch"] }));
    await assert.rejects(started, { name: "PlanError", code: "ENOENT", why: "process.args /nosuch" });
  });

  test("further processes have streams, exit codes and signals of their own", async () => {
    await using container = await library.run(shell("sleep 1000"));
    const echo = await container.exec(library.process({ args: ["sh", "-c", "cat; exit 3"] }));
    echo.stdin.end("in");
    assert.equal(await text(echo.stdout), "in");
    assert.equal((await echo.wait()).exitCode, 3);
    const sleep = await container.exec(library.process({ args: ["sleep", "1000"] }), { stdio: "ignore" });
    await sleep.kill("SIGKILL");
    assert.equal((await sleep.wait()).exitCode, 137);
    await assert.rejects(container.exec(library.process({ args: ["nosuch"] })), { name: "PlanError" });
  });

  test("a terminal is one, with a size", async () => {
    const spec = library.sandbox({
      root: root.path,
      args: ["sh", "-c", "read x; stty size"],
      terminal: true,
    });
    await using container = await library.run(spec);
    await container.resize(12, 34);
    container.stdin.write("\n");
    assert.match(await text(container.stdout), /12 34\r\n$/);
  });

  test("paused, resumed, limited, counted and watched", async () => {
    await using container = await library.run(shell("sleep 1000"), { stdio: "ignore" });
    const events: ContainerEvent[] = [];
    const watching = (async () => {
      for await (const event of container.events()) events.push(event);
    })();
    await container.pause();
    await container.resume();
    await container.update({ memory: { limit: 16 << 20 }, pids: { limit: 20 } });
    const stats = await container.stats();
    assert.equal(stats.memory.usage.limit, 16 << 20);
    assert.equal(stats.pids.limit, 20);
    await container.kill("SIGKILL");
    await watching;
    assert.deepEqual(
      events.map(({ type }) => type),
      ["exit"],
    );
  });

  test("what is paused can be deleted, and a container may be deleted twice", async () => {
    const container = await library.run(shell("sleep 1000"));
    await container.pause();
    await container.delete();
    await container.delete();
  });

  test("who runs out of memory is told of", async () => {
    const resources = { memory: { limit: 8 << 20, swap: 8 << 20 } };
    const args = ["sh", "-c", "tail /dev/zero; exit 0"];
    await using container = await library.run(library.sandbox({ root: root.path, args, resources }));
    const seen: string[] = [];
    for await (const event of container.events()) seen.push(event.type);
    assert.deepEqual(seen, ["oom", "exit"]);
  });

  test("a cgroup of the specification's own is made and removed", async () => {
    const spec = shell("cat /proc/self/cgroup");
    const path = `/${name}-own`;
    await using container = await library.run({ ...spec, linux: { ...spec.linux, cgroupsPath: path } });
    assert.match(await text(container.stdout), new RegExp(`:${path}\n`));
    await container.delete();
    assert.deepEqual(globSync(`/sys/fs/cgroup/*${path}`), []);
  });

  test("a program that is killed leaves nothing", async () => {
    const below = join(directory, "killed");
    mkdirSync(below);
    const script = `
      import { openLibcontainer } from ${JSON.stringify(join(project, "src/main/libcontainer.ts"))};
      const library = await openLibcontainer({ directory: ${JSON.stringify(below)} });
      const spec = library.sandbox({ root: ${JSON.stringify(root.path)}, args: ["sleep", "4321"] });
      await library.run(spec);
      await library.create(spec);
      const frozen = await library.run(spec);
      await frozen.pause();
      console.log("ready");
      setInterval(() => {}, 1000);`;
    const program = spawn(process.execPath, ["--input-type=module", "-e", script], {
      cwd: project,
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(program.stdout, "data");
    const killed = basename(globSync(`${below}/*`)[0] ?? "");
    assert.notDeepEqual(leftOf(below, killed), []);
    program.kill("SIGKILL");
    await once(program, "exit");
    const running = (): readonly string[] =>
      globSync("/proc/[0-9]*/cmdline")
        .map(readCommand)
        .filter((command) => command === "sleep\x004321\0" || command.includes(below));
    const left = (): readonly string[] => [...leftOf(below, killed), ...running()];
    await until(() => left().length === 0);
    assert.deepEqual(left(), []);
  });

  test("the example of the documentation works with the package alone, and its types are right", async () => {
    execFileSync(process.execPath, [join(project, "tools/build.ts"), "--types"]);
    const program = join(directory, "program");
    const modules = join(program, "node_modules");
    for (const part of ["package.json", "dist/libcontainer.cjs", "dist/types", "native/build/gantry-exec"])
      cpSync(join(project, part), join(modules, "gantry", part), { recursive: true });
    symlinkSync(join(project, "node_modules/@types"), join(modules, "@types"));
    const [, example = ""] =
      /```ts\n([\s\S]*?)```/.exec(readFileSync(join(project, "docs/libcontainer.md"), "utf8")) ?? [];
    assert.ok(example.split("\n").length <= 24);
    writeFileSync(join(program, "package.json"), JSON.stringify({ type: "module" }));
    writeFileSync(join(program, "example.ts"), example);
    const flags = [
      "--noEmit",
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "esnext",
      "--lib",
      "esnext",
      "--types",
      "node",
    ];
    execFileSync(join(project, "node_modules/.bin/tsc"), [...flags, "example.ts"], {
      cwd: program,
      stdio: "inherit",
    });
    const args = [join(program, "example.ts"), root.path, "/bin/sh", "-c", "cat; id -u"];
    const output = execFileSync(process.execPath, args, { cwd: program, encoding: "utf8" });
    assert.match(output, /exitCode: 0/);
    assert.match(output, /output: 'from the program\\n65534\\n'/);
  });
});

function readCommand(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it has ended
  }
}
