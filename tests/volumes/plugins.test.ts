// Volume plugins: a real one in a process of its own, asked by gantryd for the real client, and one that hangs, lies or dies.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { splitWords } from "../side-by-side/walk-file.ts";
import { openApi } from "../system/api.ts";
import { type Client, type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { startPeer } from "../system/peer.ts";
import { type Background, startBackground } from "../system/process.ts";
import { until } from "../system/until.ts";

const skip = process.getuid?.() !== 0 && "needs root";
/** Where dockerd looks for plugins, too: the names are this test's own. */
const sockets = "/run/docker/plugins";
const specs = "/etc/docker/plugins";

interface Plugin extends AsyncDisposable {
  readonly name: string;
  readonly directory: string;
  readonly process: Background;
  /** How often it was asked that. */
  asked(words: string): number;
  /** Ends it and starts it anew. */
  restart(): Promise<void>;
}

/** By a socket, or by HTTP on a port in the network namespace of that name. */
async function startPlugin(http?: { readonly netns: string; readonly port: number }): Promise<Plugin> {
  await using undo = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "gantry-plugin-"));
  undo.defer(() => rmSync(directory, { recursive: true }));
  const name = basename(directory);
  const path = http === undefined ? join(sockets, `${name}.sock`) : join(specs, `${name}.spec`);
  mkdirSync(join(path, ".."), { recursive: true });
  undo.defer(() => rmSync(path, { force: true }));
  if (http !== undefined) writeFileSync(path, `tcp://127.0.0.1:${http.port}\n`);
  const address = http === undefined ? path : String(http.port);
  const program = join(import.meta.dirname, "plugin-process.ts");
  const launch = async (): Promise<Background> => {
    if (http === undefined) rmSync(path, { force: true });
    const command = [process.execPath, program, address, directory];
    const started = startBackground(command, http === undefined ? {} : { netns: http.netns });
    await started.line(/^ready$/);
    return started;
  };
  let running = await launch();
  undo.defer(() => running.end());
  const cleanup = undo.move();
  return {
    name,
    directory,
    get process() {
      return running;
    },
    asked: (words) =>
      running
        .output()
        .split("\n")
        .filter((line) => line.startsWith(words)).length,
    restart: async () => {
      await running.end();
      running = await launch();
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

/** What a user does with a plugin's volumes; "D" stands for the driver. */
const lines = [
  "volume create -d D --label a=1 -o size=3 p-one",
  "volume create -d D p-one",
  "volume create -d local p-one",
  "volume create p-two",
  "volume create -d D p-two",
  "volume create -d D refuse-me",
  "volume inspect -f {{.Name}}|{{.Driver}}|{{.Labels}}|{{.Options}}|{{.Scope}}|{{.Status}}|{{.CreatedAt}} p-one",
  "volume ls --filter name=p- --format {{.Name}}|{{.Driver}}|{{.Scope}}",
  "volume ls --filter driver=D -q",
  "run --rm -v p-one:/d busybox sh -c 'echo >/d/file'",
  "run --rm -v p-one:/d:ro busybox ls /d",
  "run --rm --volume-driver D -v p-three:/d busybox touch /d/x",
  "run --rm --mount type=volume,src=p-four,dst=/d,volume-driver=D,volume-opt=a=b busybox touch /d/x",
  "run --rm -v p-one:/etc busybox ls /etc",
  "run --rm --mount type=volume,src=p-filled,dst=/bin,volume-driver=D busybox true",
  "create --name p-user -v p-one:/d busybox ls /d",
  "inspect -f '{{range .Mounts}}{{.Name}} {{.Driver}} {{.Mode}} {{.RW}}{{end}}' p-user",
  "volume rm p-one",
  "start -a p-user",
  "cp p-user:/d/file -",
  "rm p-user",
  "volume create -d D slow-one",
  "volume rm slow-one",
  "volume rm -f slow-one",
  "volume rm p-one p-two p-three p-four p-filled",
  "volume inspect p-one",
  "volume ls -q --filter name=p-",
];

async function perform(engine: Client, driver: string): Promise<readonly string[]> {
  const results: string[] = [];
  for (const line of lines) {
    const words = splitWords(line).map((word) => word.replace(/(^|=)D\b/, `$1${driver}`));
    const { code, stdout, stderr } = await engine.tryDocker(words, { env: { DOCKER_API_VERSION: "1.41" } });
    const text = words[0] === "cp" ? stderr : `${stdout}${stderr}`;
    results.push(`${line}: ${code} ${text.replaceAll(driver, "D").replaceAll(/[0-9a-f]{64}/g, "ID")}`);
  }
  return results;
}

test("what users do with a plugin's volumes is as with dockerd", { skip }, async () => {
  // One after the other: an engine asks every plugin of the machine for a name that it does not know.
  const told: (readonly string[])[] = [];
  for (const start of [startEngine, startPeer]) {
    await using engine = await start();
    await importBusybox(engine);
    await using plugin = await startPlugin();
    told.push(await perform(engine, plugin.name));
  }
  assert.deepEqual(told[0], told[1]);
});

describe("a plugin's volumes", { skip }, () => {
  let engine: Engine;
  let plugin: Plugin;
  before(async () => {
    plugin = await startPlugin();
    engine = await startEngine();
    await importBusybox(engine);
  });
  after(async () => {
    await engine[Symbol.asyncDispose]();
    await plugin[Symbol.asyncDispose]();
  });
  const volume = (name: string): string => `type=volume,src=${name},dst=/d,volume-driver=${plugin.name}`;

  test("each container's mount is told once, and given back when it has ended", async () => {
    await engine.docker("run", "-d", "--name", "one", "--mount", volume("kept"), "busybox", "sleep", "600");
    const second = volume("kept").replace("/d,", "/e,");
    await engine.docker(
      "run",
      "-d",
      "--name",
      "two",
      "--mount",
      volume("kept"),
      "--mount",
      second,
      "busybox",
      "sleep",
      "600",
    );
    const used = plugin.asked("VolumeDriver.Mount kept") - plugin.asked("VolumeDriver.Unmount kept");
    assert.equal(used, 2);
    await engine.docker("rm", "-f", "one", "two");
    await until(
      async () => plugin.asked("VolumeDriver.Mount kept") === plugin.asked("VolumeDriver.Unmount kept"),
    );
    assert.ok(plugin.asked("VolumeDriver.Mount kept") === plugin.asked("VolumeDriver.Unmount kept"));
    await engine.docker("volume", "rm", "kept");
    assert.equal(existsSync(join(plugin.directory, "volumes/kept")), false);
  });

  test("after a crash what lives stays mounted, and what does not is given back", async () => {
    const started = (name: string) =>
      engine.docker("run", "-d", "--name", name, "--mount", volume(`of-${name}`), "busybox", "sleep", "600");
    await started("lives");
    const ended = await started("ends");
    const pid = await engine.docker("inspect", "-f", "{{.State.Pid}}", ended);
    await engine.kill();
    process.kill(Number(pid), "SIGKILL");
    await engine.restart();
    await until(async () => plugin.asked(`VolumeDriver.Unmount of-ends ${ended}`) === 1);
    assert.ok(plugin.asked(`VolumeDriver.Unmount of-ends ${ended}`) === 1);
    assert.equal(
      plugin.asked("VolumeDriver.Unmount of-lives"),
      plugin.asked("VolumeDriver.Mount of-lives") - 1,
    );
    await engine.docker("exec", "lives", "touch", "/d/still");
    assert.equal(existsSync(join(plugin.directory, "volumes/of-lives/still")), true);
    await engine.docker("rm", "-f", "lives", "ends");
    await engine.docker("volume", "rm", "of-lives", "of-ends");
  });

  test("one that hangs holds up nobody else, and is asked no more than once at a time for a volume", async () => {
    const hanging = engine.tryDocker(["volume", "create", "-d", plugin.name, "hang-1"]);
    await until(async () => plugin.asked("VolumeDriver.Create hang-1") === 1);
    assert.ok(plugin.asked("VolumeDriver.Create hang-1") === 1);
    await engine.docker("volume", "create", "own");
    assert.equal(
      await engine.docker(
        "run",
        "--rm",
        "-v",
        "own:/d",
        "--mount",
        volume("fine").replace("/d,", "/e,"),
        "busybox",
        "echo",
        "ran",
      ),
      "ran",
    );
    assert.match(await engine.docker("volume", "ls", "-q"), /^fine$/m);
    const second = engine.tryDocker(["volume", "create", "-d", plugin.name, "hang-1"]);
    writeFileSync(join(plugin.directory, "go"), "");
    for (const { code, stdout } of await Promise.all([hanging, second]))
      assert.deepEqual([code, stdout], [0, "hang-1\n"]);
    assert.equal(plugin.asked("VolumeDriver.Create hang-1"), 1);
    await engine.docker("volume", "rm", "own", "fine", "hang-1");
  });

  for (const [name, message] of [
    ["lie", /plugin ".*" tells no absolute path: "etc\/\.\.\/"/],
    ["junk", /VolumeDriver.Mount: the answer is no JSON/],
    ["flood", /VolumeDriver.Mount: the answer is over \d+ bytes/],
  ] as const)
    test(`a start with a plugin's ${name} fails, and leaves nothing`, async () => {
      const { code, stderr } = await engine.tryDocker([
        "run",
        "--rm",
        "--mount",
        `${volume(name)},volume-nocopy`,
        "busybox",
        "true",
      ]);
      assert.notEqual(code, 0);
      assert.match(stderr, message);
      assert.equal(await engine.docker("ps", "-aq"), "");
      await engine.docker("volume", "rm", name);
    });

  test("one that dies while it mounts fails the start; when it is back its volumes are", async () => {
    const words = ["run", "--rm", "--mount", `${volume("die-1")},volume-nocopy`, "busybox", "true"];
    const { code, stderr } = await engine.tryDocker(words);
    assert.notEqual(code, 0);
    assert.match(stderr, /error while mounting volume .*(socket hang up|ECONNRESET)/);
    await plugin.restart();
    await engine.docker("volume", "rm", "die-1");
    assert.equal(await engine.docker("ps", "-aq"), "");
  });

  test("volumes of a plugin that is gone are listed with a warning, and can be forgotten by force", async () => {
    const gone = await (async () => {
      await using started = await startPlugin();
      await engine.docker("volume", "create", "-d", started.name, "orphan");
      return started.name;
    })();
    using api = openApi(engine.socket);
    const { Volumes, Warnings } = Object(await api.ask("GET", "/volumes"));
    assert.ok(Volumes.some(({ Name }: { Name: string }) => Name === "orphan"));
    assert.match(String(Warnings), new RegExp(`list ${gone}:`));
    await engine.docker("volume", "create", "unhurt");
    await engine.docker("volume", "rm", "unhurt");
    await engine.tryDocker(["volume", "rm", "-f", "orphan"]);
    assert.equal(await engine.docker("volume", "ls", "-q"), "");
  });
});

test("a plugin is reached by HTTP, at the address that a file names", { skip }, async () => {
  await using engine = await startEngine();
  await importBusybox(engine);
  await using plugin = await startPlugin({ netns: engine.netns, port: 7117 });
  await engine.docker("volume", "create", "-d", plugin.name, "remote");
  await engine.docker("run", "--rm", "-v", "remote:/d", "busybox", "sh", "-c", "echo kept >/d/f");
  assert.equal(readFileSync(join(plugin.directory, "volumes/remote/f"), "utf8"), "kept\n");
  await engine.docker("volume", "rm", "remote");
});
