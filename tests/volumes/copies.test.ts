// volume export, import and clone: by gantry's command line, while containers use the volumes.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { must, run } from "../system/process.ts";
import { until } from "../system/until.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const gantry = join(import.meta.dirname, "../../bin/gantry");

describe("copies of volumes", { skip }, () => {
  let engine: Engine;
  before(async () => {
    engine = await startEngine();
    await importBusybox(engine);
  });
  after(() => engine[Symbol.asyncDispose]());
  const call = (...words: readonly string[]) =>
    run([gantry, ...words], { netns: engine.netns, env: { DOCKER_HOST: engine.host } });
  const data = (name: string) => join(engine.dir, "root/volumes", name, "_data");
  /** With everything that an archive can carry. */
  async function fill(name: string): Promise<void> {
    await engine.docker("volume", "create", "--label", "a=1", name);
    const path = data(name);
    writeFileSync(join(path, "file"), "content");
    execFileSync("setfattr", ["-n", "user.note", "-v", "kept", join(path, "file")]);
    execFileSync("chown", ["12:34", join(path, "file")]);
    linkSync(join(path, "file"), join(path, "twin"));
    symlinkSync("/etc/shadow", join(path, "link"));
    writeFileSync(join(path, "sparse"), "");
    truncateSync(join(path, "sparse"), 4 << 20);
    execFileSync("mkfifo", [join(path, "pipe")]);
    execFileSync("chmod", ["1770", path]);
    execFileSync("chown", ["5:6", path]);
  }
  /** Names, kinds, owners, modes, sizes and links of all that is there. */
  const listing = (name: string): string =>
    execFileSync("find", [".", "-printf", "%P %y %u:%G %m %s %n %l %T@\\n"], {
      cwd: data(name),
      encoding: "utf8",
    })
      .split("\n")
      .sort()
      .join("\n");
  function same(one: string, other: string): void {
    assert.equal(listing(one), listing(other));
    const note = execFileSync("getfattr", ["--only-values", "-n", "user.note", join(data(other), "file")], {
      encoding: "utf8",
    });
    assert.equal(note, "kept");
    assert.equal(statSync(join(data(other), "file")).ino, statSync(join(data(other), "twin")).ino);
  }

  test("what is exported and imported, or cloned, is the same in all", async () => {
    await fill("source");
    const file = join(engine.dir, "volume.tar");
    assert.deepEqual(await call("volume", "export", "-o", file, "source"), {
      code: 0,
      stdout: "",
      stderr: "",
    });
    assert.equal((await call("volume", "import", "arrived", file)).stdout, "arrived\n");
    same("source", "arrived");
    assert.equal((await call("volume", "clone", "source", "cloned")).stdout, "cloned\n");
    same("source", "cloned");
    assert.ok(statSync(join(data("cloned"), "sparse")).blocks < 100, "holes stay holes");
    assert.equal(await engine.docker("volume", "inspect", "-f", "{{.Labels}}", "cloned"), "map[a:1]");
    await must(["gzip", file]);
    await engine.docker("volume", "create", "empty");
    assert.equal((await call("volume", "import", "empty", `${file}.gz`)).code, 0);
    same("source", "empty");
    await engine.docker("volume", "rm", "source", "arrived", "cloned", "empty");
  });

  test("a writer is paused while a copy is made, and goes on", async () => {
    const script = "n=0; while true; do n=$((n+1)); echo $n >/d/one; echo $n >/d/two; done";
    await engine.docker("run", "-d", "--name", "writer", "-v", "busy:/d", "busybox", "sh", "-c", script);
    await until(async () => existsSync(join(data("busy"), "two")));
    assert.ok(existsSync(join(data("busy"), "two")));
    for (const name of ["busy1", "busy2", "busy3"]) {
      assert.equal((await call("volume", "clone", "busy", name)).code, 0);
      const [one, two] = ["one", "two"].map((part) =>
        Number(readFileSync(join(data(name), part), "utf8") || NaN),
      );
      // The shell truncates a file before it writes to it: it may have been paused in between.
      assert.ok(
        one === two || one === Number(two) + 1 || Number.isNaN(one) || Number.isNaN(two),
        `${one} ${two}`,
      );
      assert.equal(await engine.docker("inspect", "-f", "{{.State.Status}}", "writer"), "running");
    }
    await engine.docker("rm", "-f", "writer");
    await engine.docker("volume", "rm", "busy", "busy1", "busy2", "busy3");
  });

  test("what cannot be is refused, and leaves everything as it was", async () => {
    await engine.docker("volume", "create", "full");
    writeFileSync(join(data("full"), "mine"), "");
    await engine.docker("create", "--name", "owner", "-v", "used:/d", "busybox");
    const broken = join(engine.dir, "broken.tar");
    writeFileSync(broken, "no archive".repeat(200));
    for (const [words, message] of [
      [["export", "nosuch"], /get nosuch: no such volume/],
      [["clone", "nosuch", "x1"], /get nosuch: no such volume/],
      [["clone", "full", "used"], /create used: there is a volume of that name/],
      [["clone", "full", "bad/name"], /includes invalid characters/],
      [["import", "full", broken], /import full: volume is not empty/],
      [["import", "used", broken], /import used: volume is in use - \[[0-9a-f]{64}\]/],
      [["import", "fresh", broken], /archive|tar|header/i],
    ] as const) {
      const { code, stderr } = await call("volume", ...words);
      assert.equal(code, 1, words.join(" "));
      assert.match(stderr, message);
    }
    assert.equal(await engine.docker("volume", "ls", "-q"), "full\nused");
    assert.deepEqual(readdirSync(data("full")), ["mine"]);
    await engine.docker("rm", "owner");
    await engine.docker("volume", "rm", "full", "used");
  });

  test("an archive does not reach outside the volume", async () => {
    const outside = join(engine.dir, "outside");
    writeFileSync(outside, "untouched");
    const folder = join(engine.dir, "evil");
    execFileSync("mkdir", [folder]);
    symlinkSync(engine.dir, join(folder, "up"));
    const archive = join(engine.dir, "evil.tar");
    await must(["tar", "-C", folder, "-cf", archive, "up"]);
    const second = join(engine.dir, "more");
    execFileSync("mkdir", ["-p", join(second, "up")]);
    writeFileSync(join(second, "up/outside"), "overwritten");
    await must(["tar", "-C", second, "-rf", archive, "up/outside"]);
    await must(["tar", "-C", second, "-rPf", archive, "--transform", "s,up/,../../../../,", "up/outside"]);
    await call("volume", "import", "victim", archive);
    assert.equal(execFileSync("cat", [outside], { encoding: "utf8" }), "untouched");
    await engine.tryDocker(["volume", "rm", "-f", "victim"]);
  });
});

test("a clone shares its blocks with the other volume where the file system can", { skip }, async (t) => {
  await using engine = await startEngine();
  await using undo = new AsyncDisposableStack();
  const [file, root] = [join(engine.dir, "disk"), join(engine.dir, "shared")];
  await must(["truncate", "-s", "256m", file]);
  const made = await run([
    "sh",
    "-c",
    `mkfs.btrfs -q ${file} && mkdir ${root} && mount -o loop ${file} ${root}`,
  ]);
  if (made.code !== 0) return t.skip(`no such file system here: ${made.stderr}`);
  undo.defer(() => must(["umount", root]).then(() => undefined));
  await using shared = await startEngine({ config: { "data-root": root } });
  await shared.docker("volume", "create", "large");
  const data = (name: string): string => join(root, "volumes", name, "_data/x");
  await must(["dd", "if=/dev/urandom", `of=${data("large")}`, "bs=1M", "count=32"]);
  const used = async (): Promise<number> =>
    Number((await must(["sh", "-c", `sync -f ${root}; df -k --output=used ${root} | tail -n 1`])).trim());
  const before = await used();
  const { code, stderr } = await run([gantry, "volume", "clone", "large", "copy"], {
    netns: shared.netns,
    env: { DOCKER_HOST: shared.host },
  });
  assert.equal(code, 0, stderr);
  assert.ok((await used()) - before < 8 << 10, "32 MiB more would be a copy");
  await must(["cmp", data("large"), data("copy")]);
});
