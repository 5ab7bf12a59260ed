import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAttachStdin, formatAttachUri, parseTaskIo } from "./task-io.ts";

const none = { terminal: false, stdin: "", stdout: "", stderr: "" };

test("no streams are no streams", () => assert.deepEqual(parseTaskIo(none), { kind: "null" }));

test("FIFOs go by path or URI", () =>
  assert.deepEqual(parseTaskIo({ ...none, stdin: "/run/in", stdout: "fifo:///run/out" }), {
    kind: "fifos",
    terminal: false,
    stdin: "/run/in",
    stdout: "/run/out",
    stderr: "",
  }));

test("attach with a log survives the way through a URI", () => {
  const log = { path: "/a b/c&d.log", maxSize: 10, maxFiles: 3, attrs: '{"a":"b"}' };
  const io = { ...none, stdin: formatAttachStdin("once"), stdout: formatAttachUri(log) };
  const attach = { kind: "attach", terminal: false, stdin: true, stdinOnce: true, log };
  assert.deepEqual(parseTaskIo(io), attach);
});

test("attach without log or stdin", () =>
  assert.deepEqual(parseTaskIo({ ...none, terminal: true, stdout: formatAttachUri(undefined) }), {
    kind: "attach",
    terminal: true,
    stdin: false,
    stdinOnce: false,
  }));

for (const stdout of ["binary:///bin/sh", "relative"])
  test(`refuses ${stdout}`, () => assert.throws(() => parseTaskIo({ ...none, stdout }), /not implemented/));

test("output may be appended to a file", () => {
  const stdout = "file:///var/log/my%20task";
  assert.deepEqual(parseTaskIo({ ...none, stdout }), {
    kind: "fifos",
    terminal: false,
    stdin: "",
    stdout: "/var/log/my task",
    stderr: "",
  });
  assert.throws(() => parseTaskIo({ ...none, stdout: "file://relative" }), /must be absolute: invalid/);
});

test("refuses attach mixed with FIFOs, and sizes that are no numbers", () => {
  const attach = "gantry-attach:";
  assert.throws(() => parseTaskIo({ ...none, stdout: attach, stderr: "/run/err" }), /cannot be mixed/);
  const sized = `${attach}?log=/x&max-size=1e9`;
  assert.throws(() => parseTaskIo({ ...none, stdout: sized }), /must be a number/);
});
