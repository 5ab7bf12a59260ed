import assert from "node:assert/strict";
import { test } from "node:test";
import { parseProcess } from "./process-table.ts";
import { type PsMachine, parsePsArguments } from "./ps-columns.ts";

const stat =
  "42 (a) b) S 7 42 42 34817 42 4194304 1 2 3 4 250 50 0 0 20 0 1 0 1000 4096000 100 18446744073709551615 0\n";
const status = "Name:\ta\nUid:\t0\t33\t33\t33\nGid:\t0\t34\t34\t34\n";
const process = parseProcess(42, stat, status, Buffer.from("sleep\x001000\0"));
const machine: PsMachine = {
  uptime: 70,
  memory: 4_096_000,
  now: new Date(2026, 10, 21, 4, 26).getTime(),
  userName: (uid) => `user${uid}`,
  groupName: String,
};
const row = (text: string) => {
  const columns = parsePsArguments(text);
  return Object.fromEntries(columns.map((column) => [column.title, column.text(process, machine)]));
};

test("-ef shows what ps -ef shows", () => {
  assert.deepEqual(row("-ef"), {
    UID: "user33",
    PID: "42",
    PPID: "7",
    C: "5",
    STIME: "04:25",
    TTY: "pts/1",
    TIME: "00:00:03",
    CMD: "sleep 1000",
  });
});

test("aux shows what ps aux shows", () => {
  assert.deepEqual(row("aux"), {
    USER: "user33",
    PID: "42",
    "%CPU": "5.0",
    "%MEM": "10.0",
    VSZ: "4000",
    RSS: "400",
    TTY: "pts/1",
    STAT: "Ss+",
    START: "04:25",
    TIME: "0:03",
    COMMAND: "sleep 1000",
  });
});

test("columns can be chosen and named", () => {
  assert.deepEqual(row("-eo pid,comm=NAME -o etime"), { PID: "42", NAME: "a) b", ELAPSED: "01:00" });
});

test("other arguments are refused by name", () => {
  assert.throws(() => parsePsArguments("--forest"), {
    message: "ps_args --forest is not supported by this version of Gantry",
  });
  assert.throws(() => parsePsArguments("-o frob"), {
    message: "ps column frob is not supported by this version of Gantry",
  });
});
