import assert from "node:assert/strict";
import { test } from "node:test";
import { conflict } from "#base/errors.ts";
import { PlanError } from "#kernel/plan/executor.ts";
import { describeExecFailure, describeStartFailure } from "./start-error.ts";

const created =
  "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ";
const failure = (call: string, code: string, why = "process.args") =>
  new PlanError({ index: 1, why, call, code });

for (const [name, error, command, expected] of [
  [
    "a command that is not in PATH",
    failure("execve", "ENOENT"),
    "nosuch",
    { message: `${created}exec: "nosuch": executable file not found in $PATH: unknown`, exitCode: 127 },
  ],
  [
    "a path that is not there",
    failure("execve", "ENOENT"),
    "/nosuch",
    { message: `${created}exec: "/nosuch": stat /nosuch: no such file or directory: unknown`, exitCode: 127 },
  ],
  [
    "a file that is not executable",
    failure("execve", "EACCES"),
    "/etc",
    { message: `${created}exec: "/etc": permission denied: unknown`, exitCode: 126 },
  ],
] as const)
  test(`${name} is told as Docker tells it`, () => {
    assert.deepEqual(describeStartFailure(error, command, []), { ...expected, kind: "invalid" });
  });

test("a failed mount of a file on a directory carries Docker's advice and exit code 127", () => {
  const mounts = [{ source: "/f", destination: "/etc" }];
  const told = describeStartFailure(failure("move_mount", "EINVAL", "mounts[8] /etc"), "true", mounts);
  assert.match(
    told.message,
    /error mounting "\/f" to rootfs at "\/etc": mount \/f:\/etc: not a directory: unknown: Are you trying to mount a directory onto a file/,
  );
  assert.equal(told.exitCode, 127);
});

test("an exec that cannot run is told as an exec", () => {
  assert.equal(
    describeExecFailure(failure("execve", "ENOENT"), "nosuch").message,
    'OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH: unknown',
  );
});

test("an engine error keeps its words and kind", () => {
  assert.deepEqual(describeStartFailure(conflict("port is taken"), "true", []), {
    message: "port is taken",
    exitCode: 128,
    kind: "conflict",
  });
});
