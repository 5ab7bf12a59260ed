import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parseTime } from "#base/clock.ts";
import { formatEntries } from "./format.ts";
import { type LogRange, readLog } from "./read.ts";

const line = (number: number, stream = "stdout"): string =>
  `${JSON.stringify({ log: `line ${number}\n`, stream, time: `2026-01-01T00:00:${String(number).padStart(2, "0")}.5Z` })}\n`;
const lines = (first: number, last: number): string =>
  Array.from({ length: last - first + 1 }, (_, index) => line(first + index)).join("");

function logPath(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "gantry-logs-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, "x-json.log");
}

async function numbers(t: TestContext, path: string, range: LogRange): Promise<readonly number[]> {
  const found: number[] = [];
  for await (const entries of readLog({ path, maxFiles: 3 }, range, undefined, t.signal))
    for (const { text } of entries) found.push(Number(text.split(" ")[1]));
  return found;
}

test("rotated files are read from the oldest to the newest", async (t) => {
  const path = logPath(t);
  writeFileSync(`${path}.2`, lines(1, 2));
  writeFileSync(`${path}.1`, lines(3, 4));
  writeFileSync(path, lines(5, 6));
  assert.deepEqual(await numbers(t, path, {}), [1, 2, 3, 4, 5, 6]);
});

for (const [tail, expected] of [
  [0, []],
  [1, [6]],
  [2, [5, 6]],
  [3, [4, 5, 6]],
  [5, [2, 3, 4, 5, 6]],
  [100, [1, 2, 3, 4, 5, 6]],
] as const)
  test(`the last ${tail} lines are found across rotated files`, async (t) => {
    const path = logPath(t);
    writeFileSync(`${path}.1`, lines(1, 4));
    writeFileSync(path, lines(5, 6));
    assert.deepEqual(await numbers(t, path, { tail }), expected);
  });

test("since and until are inclusive", async (t) => {
  const path = logPath(t);
  writeFileSync(path, lines(1, 9));
  const since = parseTime("2026-01-01T00:00:03.5Z") ?? 0n;
  const until = parseTime("2026-01-01T00:00:05.5Z") ?? 0n;
  assert.deepEqual(await numbers(t, path, { since, until }), [3, 4, 5]);
});

test("a line that a crash cut off is skipped", async (t) => {
  const path = logPath(t);
  writeFileSync(path, `${line(1)}{"log":"hal\n${line(2)}{"log":"no en`);
  assert.deepEqual(await numbers(t, path, {}), [1, 2]);
});

test("following survives rotation and ends with the container", async (t) => {
  const path = logPath(t);
  writeFileSync(path, lines(1, 2));
  let ended = false;
  let wake = (): void => {};
  const follow = {
    ended: () => ended,
    changed: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      }),
  };
  const found: string[] = [];
  for await (const entries of readLog({ path, maxFiles: 2 }, {}, follow, t.signal)) {
    for (const { text } of entries) found.push(text.trim());
    if (found.length === 2) appendFileSync(path, lines(3, 3));
    if (found.length === 3) {
      appendFileSync(path, lines(4, 4)); // written just before the rotation
      renameSync(path, `${path}.1`);
      writeFileSync(path, lines(5, 5));
    }
    if (found.length === 5) {
      ended = true;
      wake();
    }
  }
  assert.deepEqual(found, ["line 1", "line 2", "line 3", "line 4", "line 5"]);
});

test("timestamps, details and frames are Docker's", () => {
  const entry = {
    text: "hi\n",
    stream: "stderr",
    time: "2026-01-01T00:00:01.5Z",
    attrs: { b: "x y", a: "1" },
  } as const;
  const format = { stdout: true, stderr: true, timestamps: true, details: true, tty: true };
  assert.equal(String(formatEntries([entry], format)), "2026-01-01T00:00:01.500000000Z a=1,b=x+y hi\n");
  const frame = formatEntries([entry], { ...format, timestamps: false, details: false, tty: false });
  assert.deepEqual(frame, Buffer.from("\x02\0\0\0\0\0\0\x03hi\n"));
  assert.equal(formatEntries([entry], { ...format, stderr: false }), undefined);
});
