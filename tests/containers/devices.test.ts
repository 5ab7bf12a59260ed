// Devices that vendors describe in CDI files, by the real client and ours.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";

const skip = process.getuid?.() !== 0 && "needs root";
const gantry = join(import.meta.dirname, "../../bin/gantry");

describe("CDI devices", { skip }, () => {
  let engine: Engine;
  let specs: string;
  before(async () => {
    specs = await mkdtemp(join(tmpdir(), "gantry-cdi-"));
    const node = { path: "/dev/gpu0", hostPath: "/dev/kmsg", permissions: "r" };
    const mount = { hostPath: specs, containerPath: "/driver", options: ["ro", "rbind"] };
    const edits = { env: ["GPU=0"], deviceNodes: [node], mounts: [mount] };
    const spec = {
      cdiVersion: "0.6.0",
      kind: "nvidia.com/gpu",
      devices: ["0", "all"].map((name) => ({ name, containerEdits: edits })),
    };
    await writeFile(join(specs, "gpu.json"), JSON.stringify(spec));
    engine = await startEngine({ config: { "cdi-spec-dirs": [specs] } });
    await importBusybox(engine);
  });
  after(async () => {
    await engine[Symbol.asyncDispose]();
    await rm(specs, { recursive: true });
  });
  const script = "echo $GPU; ls /driver; stat -c %F /dev/gpu0; (echo >/dev/gpu0) 2>&1 | grep -c permitted";

  for (const program of ["docker", gantry])
    for (const options of [
      ["--device", "nvidia.com/gpu=0"],
      ["--gpus", "all"],
      ["--gpus", "device=0"],
    ])
      test(`${program === gantry ? "gantry" : "docker"} run ${options.join(" ")}`, async () => {
        const command = ["run", "--rm", ...options, "busybox", "sh", "-c", script];
        const { stdout, stderr } = await engine.tryDocker(command, { program });
        assert.equal(stdout, "0\ngpu.json\ncharacter special file\n1\n", stderr);
      });

  test("an unknown device is told, and the container not started", async () => {
    const { code, stderr } = await engine.tryDocker([
      "run",
      "--rm",
      "--device",
      "ven.com/dev=0",
      "busybox",
      "true",
    ]);
    assert.equal(code, 125);
    assert.match(stderr, /CDI device injection failed: unresolvable CDI devices ven.com\/dev=0/);
  });
});
