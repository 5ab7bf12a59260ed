import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { parseTime } from "#base/clock.ts";
import { CompressedLog } from "./compressed-log.ts";
import { compressRotated } from "./compressor.ts";
import { LogFormatter } from "./format.ts";
import { JsonLogFormatter } from "./json-format.ts";
import { openLogFile } from "./log-file.ts";
import { type LogStart, readLog } from "./read.ts";
import { timeText } from "./time-range.ts";

const stamp = (number: number): string =>
  new Date(Date.UTC(2026, 0, 1) + number * 1000 + 500).toISOString().replace("500Z", "5Z");
const line = (number: number, stream = "stdout"): string =>
  `${JSON.stringify({ log: `line ${number}\n`, stream, time: stamp(number) })}\n`;
const lines = (first: number, last: number): string =>
  Array.from({ length: last - first + 1 }, (_, index) => line(first + index)).join("");

function logPath(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "gantry-logs-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, "x-json.log");
}

const everything = { stdout: true, stderr: true, timestamps: false, details: false, tty: true };

interface Range extends LogStart {
  readonly until?: string;
}

async function numbers(t: TestContext, path: string, range: Range): Promise<readonly number[]> {
  const limits = {
    ...(range.since !== undefined && { since: parseTime(`${range.since}Z`) ?? 0n }),
    ...(range.until !== undefined && { until: parseTime(`${range.until}Z`) ?? 0n }),
  };
  const formatter = new LogFormatter(everything, limits);
  let text = "";
  for await (const { bytes } of readLog({ path, maxFiles: 3 }, range, undefined, t.signal))
    text += Buffer.from(formatter.format(bytes)).toString();
  return [...text.matchAll(/line (\d+)\n/g)].map(([, number]) => Number(number));
}

const range = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

test("rotated files are read from the oldest to the newest", async (t) => {
  const path = logPath(t);
  writeFileSync(`${path}.2`, lines(1, 2));
  writeFileSync(`${path}.1`, lines(3, 4));
  writeFileSync(path, lines(5, 6));
  assert.deepEqual(await numbers(t, path, {}), [1, 2, 3, 4, 5, 6]);
});

test("what is written while it is read is not of it, unless it is followed", async (t) => {
  const path = logPath(t);
  writeFileSync(path, lines(1, 5000)); // more than is read at once
  const chunks = readLog({ path, maxFiles: 1 }, {}, undefined, t.signal);
  let bytes = (await chunks.next()).value?.bytes.length ?? 0;
  appendFileSync(path, lines(5001, 9000));
  for await (const chunk of chunks) bytes += chunk.bytes.length;
  assert.equal(bytes, lines(1, 5000).length);
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
  const limits = { since: "2026-01-01T00:00:03.5", until: "2026-01-01T00:00:05.5" };
  assert.deepEqual(await numbers(t, path, limits), [3, 4, 5]);
});

test("lines since a time are found by halving, and older files are left out", async (t) => {
  const path = logPath(t);
  writeFileSync(`${path}.2`, lines(1, 20_000));
  writeFileSync(`${path}.1`, lines(20_001, 40_000));
  writeFileSync(path, lines(40_001, 50_000));
  const since = stamp(39_000).slice(0, -1);
  let read = 0;
  for await (const { bytes } of readLog({ path, maxFiles: 3 }, { since }, undefined, t.signal))
    read += bytes.length;
  assert.deepEqual(await numbers(t, path, { since }), range(39_000, 50_000));
  assert.ok(read < lines(36_000, 50_000).length, `${read} bytes were read`);
});

test("a rotated file is compressed in its place, and read from anywhere", async (t) => {
  const path = logPath(t);
  const source = { path, maxFiles: 3 };
  const content = lines(1, 20_000);
  writeFileSync(`${path}.1`, content);
  writeFileSync(path, lines(20_001, 20_010));
  await using before = await openLogFile(`${path}.1`);
  await compressRotated(source, t.signal);
  await using after = await openLogFile(`${path}.1`);
  assert.ok(after instanceof CompressedLog);
  assert.equal(after.id, before?.id, "positions in it stay");
  assert.equal(gunzipSync(readFileSync(`${path}.1`)).toString(), content, "any gunzip reads it");
  assert.deepEqual(await numbers(t, path, {}), range(1, 20_010));
  assert.deepEqual(await numbers(t, path, { tail: 15 }), range(19_996, 20_010));
  const since = stamp(19_990).slice(0, -1);
  assert.deepEqual(await numbers(t, path, { since }), range(19_990, 20_010));
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
  const formatter = new LogFormatter(everything, {});
  let found = "";
  for await (const { bytes } of readLog({ path, maxFiles: 2 }, {}, follow, t.signal)) {
    found += Buffer.from(formatter.format(bytes)).toString();
    if (found.endsWith("line 2\n")) appendFileSync(path, lines(3, 3));
    if (found.endsWith("line 3\n")) {
      appendFileSync(path, lines(4, 4)); // written just before the rotation
      renameSync(path, `${path}.1`);
      writeFileSync(path, lines(5, 5));
    }
    if (found.endsWith("line 5\n")) {
      ended = true;
      wake();
    }
  }
  assert.equal(found, "line 1\nline 2\nline 3\nline 4\nline 5\n");
});

test("a reader goes on where another stopped, whatever the file is called by then", async (t) => {
  const path = logPath(t);
  writeFileSync(path, lines(1, 4));
  const chunks = readLog({ path, maxFiles: 3 }, {}, undefined, t.signal);
  const first = (await chunks.next()).value;
  assert.ok(first !== undefined);
  await chunks.return(undefined);
  renameSync(path, `${path}.1`);
  appendFileSync(`${path}.1`, lines(5, 5));
  writeFileSync(path, lines(6, 6));
  await compressRotated({ path, maxFiles: 3 }, t.signal);
  assert.deepEqual(await numbers(t, path, { after: { file: first.file, offset: first.end } }), [5, 6]);
});

test("timestamps, details and frames are Docker's", () => {
  const entry = {
    log: "hi\n",
    stream: "stderr",
    attrs: { b: "x y", a: "1" },
    time: "2026-01-01T00:00:01.5Z",
  };
  const bytes = Buffer.from(`${JSON.stringify(entry)}\n`);
  const shown = (format: Partial<typeof everything>): string =>
    Buffer.from(new LogFormatter({ ...everything, ...format }, {}).format(bytes)).toString("latin1");
  assert.equal(shown({ timestamps: true, details: true }), "2026-01-01T00:00:01.500000000Z a=1,b=x+y hi\n");
  assert.equal(shown({ timestamps: true }), "2026-01-01T00:00:01.500000000Z hi\n");
  assert.equal(shown({ tty: false }), "\x02\0\0\0\0\0\0\x03hi\n");
  assert.equal(shown({ stderr: false }), "");
});

test("a line can be a JSON text, framed as its stream wants it", () => {
  const entries = [
    { log: "early\n", stream: "stdout", time: "2026-01-01T00:00:00Z" },
    { log: "a\tb\n", stream: "stderr", attrs: { b: "x y", a: "1" }, time: "2026-01-01T00:00:01.5Z" },
    { log: "late\n", stream: "stdout", time: "2026-01-01T00:00:03Z" },
  ];
  const bytes = Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
  const limits = {
    since: parseTime("2026-01-01T00:00:01Z") ?? 0n,
    until: parseTime("2026-01-01T00:00:02Z") ?? 0n,
  };
  const shown = (format: Partial<typeof everything>) => {
    const formatter = new JsonLogFormatter({ ...everything, ...format }, limits, (text) => `<${text}>`);
    return [Buffer.from(formatter.format(bytes)).toString(), formatter.ended];
  };
  const line = '{"Line":"a\\tb\\n","Source":"stderr","Timestamp":"2026-01-01T00:00:01.5Z"';
  assert.deepEqual(shown({}), [`<${line}}>`, true]);
  assert.deepEqual(shown({ details: true }), [
    `<${line},"Attrs":[{"Key":"a","Value":"1"},{"Key":"b","Value":"x y"}]}>`,
    true,
  ]);
  assert.deepEqual(shown({ stderr: false }), ["", true]);
});

for (const [name, text] of [
  ["controls", 'a\tb"c\\d\r\b\f\u0001\u001b[0m\n'],
  ["what Docker escapes for HTML", "<a href='x'>&\u2028\n"],
  ["characters of every length", "é€😀\n"],
  ["no newline", "half a line"],
] as const)
  test(`text is as it was printed: ${name}`, () => {
    const escaped = JSON.stringify(text).replaceAll(/[<>&\u2028\u{1f600}]/gu, (character) =>
      character
        .split("")
        .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
        .join(""),
    );
    const bytes = Buffer.from(`{"log":${escaped},"stream":"stdout","time":"2026-01-01T00:00:00Z"}\n`);
    assert.equal(Buffer.from(new LogFormatter(everything, {}).format(bytes)).toString(), text);
  });

test("times compare as their texts do", () => {
  const texts = ["00:00:03Z", "00:00:03.000000001Z", "00:00:03.5Z", "00:00:03.52Z", "00:00:04Z"];
  const times = texts.map((text) => timeText(parseTime(`2026-01-01T${text}`) ?? 0n).toString());
  assert.deepEqual(times.toSorted(), times);
});
