// What the daemon does around criu, with a stand-in for it (criu-stand-in.py): the real one runs in checkpoint-criu.test.ts, in a guest.

import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type ContainerdMode, containerdModes, type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const state = "{{.State.Status}} {{.State.ExitCode}}";

for (const mode of containerdModes)
  describe(`containerd in its ${mode} process`, { skip }, () => checkpointTests(mode));

function checkpointTests(mode: ContainerdMode): void {
  let engine: Engine;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "gantry-criu-"));
    symlinkSync(join(import.meta.dirname, "criu-stand-in.py"), join(folder, "criu"));
    // not where the real one is
    const path = [folder, dirname(process.execPath), "/usr/bin", "/bin"].join(":");
    engine = await startEngine({ config: { experimental: true }, containerd: mode, path });
    await importBusybox(engine);
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const inspect = (name: string, format: string): Promise<string> =>
    engine.docker("inspect", "-f", format, name);

  /** That it says its count is what shows that it runs. */
  async function runCounter(name: string, ...options: readonly string[]): Promise<void> {
    const script = "echo 41 > /count; echo up; trap 'exit 3' TERM; while :; do sleep 0.1; done";
    await engine.docker("run", "-d", "--name", name, ...options, "busybox", "sh", "-c", script);
    await logged(name, "up");
  }

  async function logged(name: string, line: string): Promise<void> {
    for (let tries = 0; !(await engine.docker("logs", name)).split("\n").includes(line); tries++)
      assert.ok(tries < 500, `${name} never says ${line}`);
  }

  async function folderOf(name: string): Promise<string> {
    return join(engine.dir, "root/containers", await inspect(name, "{{.Id}}"));
  }

  async function fails(words: readonly string[], message: RegExp | string): Promise<void> {
    const { code, stderr } = await engine.tryDocker(words);
    assert.equal(code, 1, words.join(" "));
    if (typeof message === "string")
      assert.equal(stderr.trimEnd(), `Error response from daemon: ${message}`, words.join(" "));
    else assert.match(stderr, message);
  }

  test("a container is saved and goes on, with all that a container has", async () => {
    await runCounter("count", "-v", "kept:/kept");
    assert.equal(await engine.docker("checkpoint", "create", "--leave-running", "count", "first"), "first");
    assert.equal(await inspect("count", state), "running 0");
    await engine.docker("checkpoint", "create", "count", "second");
    assert.equal(await inspect("count", state), "exited 137");
    assert.equal(await engine.docker("checkpoint", "ls", "count"), "CHECKPOINT NAME\nfirst\nsecond");

    await engine.docker("start", "--checkpoint", "second", "count");
    await logged("count", "goes on from 41");
    const pid = await inspect("count", "{{.State.Pid}}");
    assert.match(readFileSync(`/proc/${pid}/cgroup`, "utf8"), new RegExp(await inspect("count", "{{.Id}}")));
    const address = await inspect("count", "{{.NetworkSettings.IPAddress}}");
    assert.match(await engine.docker("exec", "count", "ip", "addr"), new RegExp(`inet ${address}/`));
    await engine.docker("exec", "count", "sh", "-c", "echo there > /kept/file");

    await engine.kill();
    await engine.restart();
    assert.equal(await inspect("count", "{{.State.Status}} {{.State.Pid}}"), `running ${pid}`);
    assert.equal(await engine.docker("exec", "count", "cat", "/kept/file"), "there");
    await engine.docker("pause", "count");
    await fails(["checkpoint", "create", "count", "paused"], /paused container is not supported/);
    await engine.docker("unpause", "count");
    await engine.docker("kill", "-s", "TERM", "count");
    assert.equal(await engine.docker("wait", "count"), "7");
    assert.equal(await engine.docker("logs", "count"), "up\ngoes on from 41");
    const events = await engine.docker(
      "events",
      "--since",
      "10m",
      "--until",
      "0s",
      "--format",
      "{{.Action}}",
    );
    assert.equal(events.split("\n").filter((action) => action === "checkpoint").length, 2);
    await engine.docker("rm", "-v", "count");
    await engine.docker("volume", "rm", "kept");
  });

  test("a restored process that ends at once has an exit code", async () => {
    await runCounter("brief");
    await engine.docker("checkpoint", "create", "brief", "saved");
    writeFileSync(join(await folderOf("brief"), "checkpoints/saved/brief"), "");
    await engine.docker("start", "--checkpoint", "saved", "brief");
    assert.equal(await engine.docker("wait", "brief"), "5");
    await engine.docker("rm", "brief");
  });

  test("start --attach shows what a restored container says", async () => {
    await runCounter("shown");
    await engine.docker("checkpoint", "create", "shown", "saved");
    writeFileSync(join(await folderOf("shown"), "checkpoints/saved/brief"), "");
    const { code, stdout } = await engine.tryDocker(["start", "-a", "--checkpoint", "saved", "shown"]);
    assert.deepEqual([code, stdout], [5, "goes on from 41\n"]);
    await engine.docker("rm", "shown");
  });

  test("a container that cannot be saved runs on, and nothing is listed", async () => {
    await runCounter("stays");
    await engine.docker("exec", "stays", "touch", "/fail");
    const log = join(await folderOf("stays"), "criu/dump.log");
    await fails(
      ["checkpoint", "create", "stays", "never"],
      `Cannot checkpoint container stays: criu failed: exit status 1: (criu/stand-in.c:7): it was told to fail\nlog file: ${log}`,
    );
    assert.equal(await inspect("stays", state), "running 0");
    assert.equal(await engine.docker("checkpoint", "ls", "stays"), "CHECKPOINT NAME");
    await engine.docker("exec", "stays", "true");
    await engine.docker("rm", "-f", "stays");
  });

  test("a restore that fails leaves the container as it was, and nothing else", async () => {
    await runCounter("back");
    await engine.docker("checkpoint", "create", "back", "broken");
    const folderOfIt = await folderOf("back");
    writeFileSync(join(folderOfIt, "checkpoints/broken/fail"), "");
    await fails(
      ["start", "--checkpoint", "broken", "back"],
      `criu failed: exit status 1: (criu/stand-in.c:7): it was told to fail\nlog file: ${folderOfIt}/criu/restore.log`,
    );
    // As with Docker, a failure without a code of its own leaves that of the last run.
    assert.equal(await inspect("back", state), "exited 137");
    const tasks = join(engine.dir, mode === "own" ? "exec" : "containerd-state", "tasks");
    assert.deepEqual(
      readdirSync(tasks, { recursive: true }).filter((path) => String(path).includes(basename(folderOfIt))),
      [],
    );
    rmSync(join(folderOfIt, "checkpoints/broken/gantry.json"));
    await fails(["start", "--checkpoint", "broken", "back"], /no checkpoint of this version of Gantry/);
    await engine.docker("start", "back");
    assert.equal(await inspect("back", state), "running 0");
    await engine.docker("rm", "-f", "back");
  });

  test("a checkpoint cannot mount what its container does not", async () => {
    await runCounter("moved", "-v", `${folder}:/data`);
    await engine.docker("checkpoint", "create", "moved", "saved");
    const notes = join(await folderOf("moved"), "checkpoints/saved/gantry.json");
    const { outside, ...others } = JSON.parse(readFileSync(notes, "utf8"));
    assert.ok(outside.includes("/data"));
    writeFileSync(notes, JSON.stringify({ ...others, outside: [...outside, "/root"] }));
    await fails(["start", "--checkpoint", "saved", "moved"], /the container has no mount at \/root/);
    await engine.docker("rm", "moved");
  });

  test("what criu is told", async () => {
    await runCounter("told");
    await engine.docker("checkpoint", "create", "--checkpoint-dir", `${folder}/kept`, "told", "saved");
    const told = JSON.parse(readFileSync(join(folder, "kept/saved/arguments.json"), "utf8"));
    assert.equal(told["--images-dir"][0], join(folder, "kept/saved"));
    const external: readonly string[] = told["--external"];
    assert.ok(external.includes("mnt[/etc/hosts]:/etc/hosts"));
    assert.ok(external.some((text) => /^net\[\d+\]:extRootNetNS$/.test(text)));
    assert.ok(
      external.some((text) => /^file\[[0-9a-f]+:[0-9a-f]+\]$/.test(text)),
      "standard input",
    );
    assert.equal(
      await engine.docker("checkpoint", "ls", "--checkpoint-dir", `${folder}/kept`, "told"),
      "CHECKPOINT NAME\nsaved",
    );
    await engine.docker("checkpoint", "rm", "--checkpoint-dir", `${folder}/kept`, "told", "saved");
    assert.deepEqual(readdirSync(join(folder, "kept")), []);
    await engine.docker("rm", "told");
  });

  test("without criu nothing is begun", async () => {
    await runCounter("without");
    rmSync(join(folder, "criu"));
    try {
      await fails(
        ["checkpoint", "create", "without", "saved"],
        'Cannot checkpoint container without: exec: "criu": executable file not found in $PATH',
      );
    } finally {
      symlinkSync(join(import.meta.dirname, "criu-stand-in.py"), join(folder, "criu"));
    }
    assert.equal(await inspect("without", state), "running 0");
    await engine.docker("rm", "-f", "without");
  });

  test("names do not lead out of their folder", async () => {
    await engine.docker("run", "-d", "--name", "named", "busybox", "sleep", "99");
    mkdirSync(join(engine.dir, "root/x"));
    const refused = (id: string) =>
      `Invalid checkpoint ID (${id}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`;
    for (const id of ["", ".", "..", ".x", "x", "x/y", "../x", "a b", "-x"])
      await fails(["checkpoint", "create", "named", "--", id], refused(id));
    await engine.docker("stop", "-t", "0", "named");
    await fails(["start", "--checkpoint", "../../../x", "named"], refused("../../../x"));
    await engine.docker("rm", "named");
  });
}
