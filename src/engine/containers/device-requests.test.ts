import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { findRequested, inject } from "./device-requests.ts";

const blank = { Driver: "", Count: 0, DeviceIDs: null, Capabilities: null, Options: null };
const device = (name: string, containerEdits: object) => ({ name, containerEdits });

function openSpecs(t: TestContext): readonly string[] {
  const root = mkdtempSync(join(tmpdir(), "gantry-cdi-"));
  t.after(() => rmSync(root, { recursive: true }));
  const directories = [join(root, "etc"), join(root, "run")];
  for (const directory of directories) mkdirSync(directory);
  const write = (index: number, name: string, value: unknown) =>
    writeFileSync(join(directories[index] ?? "", name), JSON.stringify(value));
  const kind = "nvidia.com/gpu";
  const own = { env: ["FILE=1"], hooks: [{ hookName: "createRuntime", path: "/bin/hook" }] };
  const zero = device("0", {
    env: ["GPU=0"],
    deviceNodes: [{ path: "/dev/gpu0", hostPath: "/dev/null", permissions: "rw" }],
  });
  write(0, "a.json", {
    cdiVersion: "0.6.0",
    kind,
    containerEdits: own,
    devices: [zero, device("all", { env: ["OLD=1"] })],
  });
  write(1, "b.json", {
    cdiVersion: "0.6.0",
    kind,
    devices: [device("all", { env: ["GPU=all"], mounts: [{ hostPath: "/lib", containerPath: "/l" }] })],
  });
  write(1, "broken.json", { kind });
  return directories;
}
const env = async (requests: readonly object[], directories: readonly string[]) =>
  (
    await findRequested(
      requests.map((request) => ({ ...blank, ...request })),
      directories,
    )
  ).edits.flatMap((edits) => edits.env ?? []);

test("a device is found by its name, a later directory wins, a file's own edits come once", async (t) => {
  const directories = openSpecs(t);
  const cdi = (...DeviceIDs: string[]) => [{ Driver: "cdi", DeviceIDs }];
  assert.deepEqual(await env(cdi("nvidia.com/gpu=0"), directories), ["FILE=1", "GPU=0"]);
  assert.deepEqual(await env(cdi("nvidia.com/gpu=all"), directories), ["GPU=all"]);
  await assert.rejects(env(cdi("nvidia.com/gpu=7", "x.y/z=0"), directories), {
    message: "CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=7, x.y/z=0",
  });
});

const yaml = `
cdiVersion: "0.6.0"
kind: vendor.com/nic
containerEdits: { env: [ALL=1] }
devices:
  - name: first
    containerEdits: &edits
      env:
        - NIC=first
  - name: again
    containerEdits: *edits
`;
/** Nine anchors that each repeat the one before nine times. */
const bomb = Array.from({ length: 9 }, (_, level) => {
  const below =
    level === 0
      ? "[x]"
      : `[${Array(9)
          .fill(`*a${level - 1}`)
          .join(", ")}]`;
  return `a${level}: &a${level} ${below}\n`;
}).join("");

test("a description may be YAML; one that is broken, or grows without bounds, is none", async (t) => {
  const directories = openSpecs(t);
  const [directory = ""] = directories;
  writeFileSync(join(directory, "nic.yaml"), yaml);
  writeFileSync(join(directory, "broken.yaml"), "kind: [");
  writeFileSync(join(directory, "bomb.yaml"), `${yaml}${bomb}`.replace("vendor.com", "bomb.com"));
  writeFileSync(join(directory, "other.yml"), yaml.replace("vendor.com", "other.com"));
  const cdi = (...DeviceIDs: string[]) => env([{ Driver: "cdi", DeviceIDs }], directories);
  assert.deepEqual(await cdi("vendor.com/nic=first"), ["ALL=1", "NIC=first"]);
  assert.deepEqual(await cdi("vendor.com/nic=again"), ["ALL=1", "NIC=first"]);
  await assert.rejects(cdi("bomb.com/nic=first", "other.com/nic=first"), {
    message: /unresolvable CDI devices bomb.com\/nic=first, other.com\/nic=first$/,
  });
});

test("GPUs are asked for by number, by id, or all of them", async (t) => {
  const directories = openSpecs(t);
  const gpu = (request: object) => [{ Capabilities: [["gpu"]], ...request }];
  assert.deepEqual(await env(gpu({ Count: -1 }), directories), ["GPU=all"]);
  assert.deepEqual(await env(gpu({ Count: 1 }), directories), ["FILE=1", "GPU=0"]);
  assert.deepEqual(await env(gpu({ DeviceIDs: ["0"] }), directories), ["FILE=1", "GPU=0"]);
  await assert.rejects(env(gpu({ Driver: "amd", Count: -1 }), directories), {
    message: 'could not select device driver "amd" with capabilities: [[gpu]]',
  });
  await assert.rejects(env(gpu({ Count: -1 }), []), {
    message: 'could not select device driver "" with capabilities: [[gpu]]',
  });
});

test("nodes, their rules, mounts, variables and hooks come into the container", async (t) => {
  const directories = openSpecs(t);
  const DeviceIDs = ["nvidia.com/gpu=0", "nvidia.com/gpu=all"];
  const injection = await findRequested([{ ...blank, Driver: "cdi", DeviceIDs }], directories);
  const spec = inject({ ociVersion: "1.2.0", process: { cwd: "/", env: ["A=1"] }, linux: {} }, injection);
  assert.deepEqual(spec.process?.env, ["A=1", "FILE=1", "GPU=0", "GPU=all"]);
  assert.deepEqual(
    spec.linux?.devices?.map(({ path, major, minor }) => [path, major, minor]),
    [["/dev/gpu0", 1, 3]],
  );
  assert.deepEqual(spec.linux?.resources?.devices, [
    { allow: true, type: "c", major: 1, minor: 3, access: "rw" },
  ]);
  assert.deepEqual(spec.mounts, [
    { destination: "/l", source: "/lib", type: "bind", options: ["rbind", "ro"] },
  ]);
  assert.deepEqual(spec.hooks, { createRuntime: [{ path: "/bin/hook" }] });
});
