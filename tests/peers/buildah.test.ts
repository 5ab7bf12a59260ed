// The real buildah on gantry-runc: the runtime is called from a mount namespace that buildah makes for each step.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeBusyboxRoot } from "../system/images.ts";
import { type Result, run } from "../system/process.ts";
import { installRuntime, settledLeftovers } from "./leftovers.ts";

const skip =
  (process.getuid?.() !== 0 && "needs root") || (!existsSync("/usr/bin/buildah") && "no buildah here");

interface Buildah extends AsyncDisposable {
  readonly folder: string;
  /** Words for a command that runs something: the runtime, and no network of buildah's own. */
  readonly runtime: readonly string[];
  call(words: readonly string[], input?: string): Promise<Result>;
  /** What it says on its standard output; fails if its exit code is not 0. */
  ok(...words: readonly string[]): Promise<string>;
}

/** With storage of its own. */
async function openBuildah(): Promise<Buildah> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "gantry-buildah-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const storage = ["--root", `${folder}/root`, "--runroot", `${folder}/run`, "--storage-driver", "vfs"];
  const call: Buildah["call"] = (words, input = "") =>
    run(["timeout", "-s", "KILL", "60", "buildah", ...storage, ...words], { input });
  const runtime = await installRuntime(undo);
  undo.defer(async () => {
    await call(["rm", "-a"]);
    await call(["rmi", "-a", "-f"]);
  });
  const cleanup = undo.move();
  return {
    folder,
    runtime: ["--runtime", runtime, "--network", "none"],
    call,
    ok: async (...words) => {
      const { code, stdout, stderr } = await call(words);
      assert.equal(code, 0, `${words.join(" ")}: ${stderr}`);
      return stdout.trimEnd();
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

test("buildah runs commands in a working container on gantry-runc", { skip }, async () => {
  await using buildah = await openBuildah();
  await using root = await makeBusyboxRoot();
  const container = await buildah.ok("from", "scratch");
  await buildah.ok("add", container, root.path, "/");
  const onGantry = ["run", ...buildah.runtime] as const;
  const inside = (...words: readonly string[]) => buildah.ok(...onGantry, container, ...words);
  const cgroups = await inside("cat", "/proc/self/cgroup");
  const id = /\/(buildah-buildah\d+)$/m.exec(cgroups)?.[1] ?? "";
  assert.notEqual(id, "", cgroups);

  assert.equal(await inside("sh", "-c", "echo kept > /made; cat /made"), "kept");
  assert.equal(await inside("cat", "/made"), "kept");
  const piped = await buildah.call([...onGantry, container, "cat"], "passed\n");
  assert.deepEqual([piped.code, piped.stdout], [0, "passed\n"]);
  assert.equal((await buildah.call([...onGantry, container, "sh", "-c", "exit 7"])).code, 7);
  const missing = await buildah.call([...onGantry, container, "/nowhere"]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /exec: \\"\/nowhere\\": stat \/nowhere: no such file or directory/);
  const flags = ["-t", "--user", "1000:1001", "--volume", `${root.path}:/outside:ro`, "--cap-drop", "all"];
  const script =
    "id -u; id -g; test -t 0 && echo terminal; grep -o '/outside [a-z0-9]* ro' /proc/self/mounts; grep CapBnd /proc/self/status";
  assert.match(
    await buildah.ok(...onGantry, ...flags, container, "sh", "-c", script),
    /^1000\s+1001\s+terminal\s+\/outside \w+ ro\s+CapBnd:\s+0+$/,
  );
  assert.deepEqual(await settledLeftovers([id], buildah.folder), []);
});

test("buildah builds an image whose steps run on gantry-runc", { skip }, async () => {
  await using buildah = await openBuildah();
  await using root = await makeBusyboxRoot();
  const file = join(buildah.folder, "Containerfile");
  const steps = [
    "FROM scratch",
    "COPY . /",
    "ENV SAID=once",
    "RUN echo $SAID > /said",
    "RUN echo twice >> /said",
  ];
  await writeFile(file, `${steps.join("\n")}\n`);
  const build = ["bud", ...buildah.runtime, "-f", file, "-t", "said"];
  await buildah.ok(...build, root.path);
  const container = await buildah.ok("from", "--pull-never", "said");
  assert.equal(await buildah.ok("run", ...buildah.runtime, container, "cat", "/said"), "once\ntwice");
  await writeFile(file, `${[...steps, "RUN exit 9"].join("\n")}\n`);
  assert.match((await buildah.call([...build, root.path])).stderr, /exit status 9/);
  assert.deepEqual(await settledLeftovers([], buildah.folder), []);
});
