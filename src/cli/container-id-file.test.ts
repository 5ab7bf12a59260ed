import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createContainerIdFile } from "./container-id-file.ts";

const folder = () => {
  const path = mkdtempSync(join(tmpdir(), "gantry-cidfile-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
};

test("the file holds the id, and is not written again", () => {
  using temporary = folder();
  const path = join(temporary.path, "cid");
  {
    using file = createContainerIdFile(path);
    file.write("abc");
  }
  assert.equal(readFileSync(path, "utf8"), "abc");
  assert.throws(() => createContainerIdFile(path), /^Error: container ID file found, make sure/);
});

test("without a container there is no file", () => {
  using temporary = folder();
  const path = join(temporary.path, "cid");
  createContainerIdFile(path)[Symbol.dispose]();
  assert.equal(existsSync(path), false);
});

test("a file that cannot be is refused before there is a container", () => {
  assert.throws(() => createContainerIdFile("/nonexistent/cid"), {
    message: "failed to create the container ID file: open /nonexistent/cid: no such file or directory",
  });
});
