// `import { createEngine } from "gantry"`: programs that are the engine, in a network namespace of the test's own.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
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
import { after, before, describe, test } from "node:test";
import { makeClient, makeNamespace } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { startPeer } from "../system/peer.ts";
import { must, run, startBackground } from "../system/process.ts";
import { type Registry, startRegistry } from "../system/registry.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const project = join(import.meta.dirname, "../..");
const runDirectories = (): readonly string[] =>
  globSync("/run/gantry-*").filter((path) => /\/gantry-[0-9a-f]{8}$/.test(path));

describe("createEngine", { skip }, () => {
  const undo = new AsyncDisposableStack();
  let folder = "";
  let netns = "";
  let registry: Registry;
  let image = "";
  /** Of the peer that has filled the registry. */
  let atFirst: ReadonlySet<string> = new Set();
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "gantry-embedded-"));
    undo.defer(() => rmSync(folder, { recursive: true }));
    netns = basename(folder);
    undo.use(await makeNamespace(netns));
    registry = undo.use(await startRegistry(netns));
    image = `${registry.address}/busybox:latest`;
    await using peer = await startPeer({ netns });
    await importBusybox(peer, image);
    await peer.docker("push", image);
    atFirst = new Set(await present());
  });
  after(() => undo.disposeAsync());

  /** A program with `createEngine`, `image` and `folder` at hand; its temporary engines are below `folder`. */
  const program = (body: string): readonly string[] => {
    const head = `
      import { createEngine } from ${JSON.stringify(join(project, "src/main/embedded-engine.ts"))};
      const [image, folder] = ${JSON.stringify([image, folder])};`;
    return [process.execPath, "--input-type=module-typescript", "-e", head + body];
  };
  const env = () => ({ TMPDIR: folder });
  const runProgram = async (body: string): Promise<unknown> =>
    JSON.parse(await must(program(body), { netns, env: env() }));
  const present = async (): Promise<readonly string[]> =>
    [
      await must(["ip", "-br", "link"], { netns }),
      await must(["nft", "list", "tables"], { netns }),
      globSync(`${folder}/gantry-*`).join("\n"),
    ]
      .join("\n")
      .split("\n");
  const left = async (): Promise<readonly string[]> => (await present()).filter((item) => !atFirst.has(item));

  test("README's example works with the package alone, its types are right, and it leaves nothing", async () => {
    execFileSync(process.execPath, [join(project, "tools/build.ts"), "--types"]);
    const home = join(folder, "program");
    const modules = join(home, "node_modules");
    for (const part of ["package.json", "dist", "native/build"])
      cpSync(join(project, part), join(modules, "gantry", part), { recursive: true });
    symlinkSync(join(project, "node_modules/@types"), join(modules, "@types"));
    const blocks = readFileSync(join(project, "README.md"), "utf8").matchAll(/```ts\n([\s\S]*?)```/g);
    const example =
      [...blocks].map(([, text = ""]) => text).find((text) => text.includes("createEngine")) ?? "";
    assert.ok(example.trim().split("\n").length <= 20);
    writeFileSync(join(home, "package.json"), JSON.stringify({ type: "module" }));
    writeFileSync(join(home, "example.ts"), example);
    const flags = "--noEmit --strict --module nodenext --target esnext --lib esnext --types node".split(" ");
    execFileSync(join(project, "node_modules/.bin/tsc"), [...flags, "example.ts"], {
      cwd: home,
      stdio: "inherit",
    });
    const result = await run([process.execPath, join(home, "example.ts"), image], { netns, env: env() });
    assert.equal(result.stderr, "");
    assert.match(
      result.stdout,
      /status: 200,\s+exitCode: 3,\s+stdout: 'test\\n',\s+host: 'unix:\/\/\/run\/gantry-/,
    );
    assert.deepEqual(await left(), []);
  });

  test("what a program prints and how it ends; several engines beside each other", async () => {
    const ends = await runProgram(`
      await using one = await createEngine();
      await using other = await createEngine();
      const ended = await Promise.all([one, other].map(async (engine, number) => {
        await using container = await engine.run({ image, command: ["sh", "-c", "echo out; echo err >&2; exit " + number] });
        return await container.finished();
      }));
      console.log(JSON.stringify(ended));`);
    assert.deepEqual(ends, [
      { exitCode: 0, stdout: "out\n", stderr: "err\n" },
      { exitCode: 1, stdout: "out\n", stderr: "err\n" },
    ]);
    assert.deepEqual(await left(), []);
  });

  test("a check that fails, a container that ends, an image that is not there: each says so and leaves no container", async () => {
    const told = await runProgram(`
      await using engine = await createEngine();
      const reason = (promise) => promise.then(() => "none", (error) => error.message);
      const check = (command, health) => reason((async () => {
        await using container = await engine.run({ image, command, health });
        await container.untilHealthy();
      })());
      const told = [
        await check(["sleep", "100"], { command: "echo broken; exit 1", interval: 50, retries: 1 }),
        await check(["sh", "-c", "exit 5"], { command: "true", interval: 60000 }),
        await check(["sleep", "100"], undefined),
        await reason(engine.run({ image: image.replace("busybox", "nosuch") })),
        await reason(engine.run({ image, command: ["nosuch"] })),
        await reason(engine.run({ image, ports: ["80/nosuch"] })),
        await engine.containers.list({ all: true }, AbortSignal.timeout(5000)),
      ];
      console.log(JSON.stringify(told));`);
    assert.ok(Array.isArray(told));
    const expected = [/is unhealthy: broken$/, /ended with 5 before it was healthy$/, /has no health check$/];
    for (const [number, pattern] of expected.entries()) assert.match(String(told[number]), pattern);
    assert.match(String(told[3]), /manifest unknown|not found/);
    assert.match(String(told[4]), /executable file not found in \$PATH/);
    assert.match(String(told[5]), /invalid port: 80\/nosuch/);
    assert.deepEqual(told[6], []);
  });

  test("ports are published through a private network, and the host has no bridge and no rule", async () => {
    const told = await runProgram(`
      import { execFileSync } from "node:child_process";
      const state = () => ["ip -o link", "nft list ruleset", "cat /proc/sys/net/ipv4/ip_forward"]
        .map((line) => { const [name, ...words] = line.split(" "); return execFileSync(name, words, { encoding: "utf8" }); }).join("");
      const before = state();
      await using engine = await createEngine({ config: { bridge: "none" } });
      await engine.networks.create({ Name: "den", Driver: "private" }, AbortSignal.timeout(60000));
      await using container = await engine.run({
        image, ports: [80], command: ["httpd", "-f", "-h", "/etc"], request: { Hostname: "hello", HostConfig: { NetworkMode: "den" } },
        health: { command: "wget -qO- http://127.0.0.1/hostname", interval: 100, retries: 100 },
      });
      await container.untilHealthy();
      const answer = await fetch("http://127.0.0.1:" + await container.port(80) + "/hostname");
      console.log(JSON.stringify([await answer.text(), state() === before]));`);
    assert.deepEqual(told, ["hello\n", true]);
    assert.deepEqual(await left(), []);
  });

  test("a directory of one's own keeps images and containers; another process cannot have it meanwhile", async () => {
    const directory = join(folder, "kept");
    mkdirSync(directory);
    const head = `await using engine = await createEngine({ directory: ${JSON.stringify(directory)} });`;
    const second = program(`await createEngine({ directory: ${JSON.stringify(directory)} });`);
    const first = startBackground(
      program(`${head}
        await engine.run({ image, name: "kept", command: ["sleep", "1000"] });
        console.log("ready " + engine.host);
        await new Promise((resolve) => process.once("SIGTERM", resolve));`),
      { netns, env: env() },
    );
    const host = (await first.line(/^ready/)).replace("ready ", "");
    const docker = makeClient(host, netns);
    assert.equal(await docker.docker("ps", "--format", "{{.Names}}"), "kept");
    const refused = await run(second, { netns, env: env() });
    assert.match(refused.stderr, /process with PID \d+ is still running/);
    await first.end();
    const states = await runProgram(`${head}
      const list = await engine.containers.list({ all: true }, AbortSignal.timeout(5000));
      for (const { Id } of list) await engine.containers.remove(Id, {}, AbortSignal.timeout(5000));
      console.log(JSON.stringify(list.map(({ State }) => State)));`);
    assert.deepEqual(states, ["exited"]);
    assert.deepEqual(await left(), []);
    rmSync(directory, { recursive: true });
  });

  test("what a killed program left is removed by the next engine", async () => {
    const known = new Set(runDirectories());
    const first = startBackground(
      program(`
        const engine = await createEngine();
        await engine.run({ image, command: ["sleep", "4322"], ports: [80] });
        console.log("ready");`),
      { netns, env: env() },
    );
    await first.line(/^ready/);
    await first.signal("SIGKILL");
    const [abandoned = ""] = runDirectories().filter((path) => !known.has(path));
    assert.ok(existsSync(abandoned));
    assert.notDeepEqual(await left(), []);
    await runProgram(`await using engine = await createEngine(); console.log("0");`);
    assert.ok(!existsSync(abandoned));
    assert.deepEqual(await left(), []);
    const commands = globSync("/proc/[0-9]*/cmdline").map((path) => {
      try {
        return readFileSync(path, "utf8");
      } catch {
        return ""; // it has ended
      }
    });
    assert.deepEqual(
      commands.filter((command) => command === "sleep\x004322\0"),
      [],
    );
  });

  test("what the daemon would not take is refused before anything is made", async () => {
    const refused = async (body: string): Promise<string> =>
      (await run(program(body), { netns, env: env() })).stderr;
    assert.match(
      await refused(`await createEngine({ config: { nosuch: 1 } });`),
      /don't match any configuration option: nosuch/,
    );
    assert.match(await refused(`process.umask(0o077); await createEngine();`), /umask such as 022, not 77/);
    assert.deepEqual(await left(), []);
  });
});
