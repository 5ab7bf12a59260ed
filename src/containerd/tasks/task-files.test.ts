import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { TaskFiles } from "./task-files.ts";

const record = {
  spec: { ociVersion: "1.2.0", hostname: "web" },
  rootfs: [],
  io: { terminal: false, stdin: "", stdout: "", stderr: "" },
  runtime: "io.gantry.lxc.v1",
};

function makeTask(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), "gantry-tasks-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const files = new TaskFiles(root);
  files.make("moby", "web", record);
  return { files, directory: files.directory("moby", "web") };
}

test("what was made is found, its specification once somebody has asked for it even when the file has gone", (t) => {
  const { files, directory } = makeTask(t);
  const found = files.find(directory);
  assert.deepEqual({ ...found, spec: found?.spec }, record);
  files.remove(directory);
  assert.deepEqual(found?.spec, record.spec);
});

test("half a file is no task", (t) => {
  const { files, directory } = makeTask(t);
  writeFileSync(join(directory, "task.json"), '{"spec":{');
  assert.equal(files.find(directory), undefined);
});
