// Standard streams of a container: clients, terminals, FIFOs and the log.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { constants, existsSync, openSync, readFileSync, statSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { JsonFileLog, ProcessIo } from "#shim/shim.ts";
import {
  attached,
  type NativeMachine,
  never,
  readAll,
  readFrames,
  skip,
  startNativeMachine,
} from "./native-machine.ts";

const both = { stdin: false, stdout: true, stderr: true };
const all = { stdin: true, stdout: true, stderr: true };

async function readUntil(stream: Duplex, text: string): Promise<string> {
  let found = "";
  while (!found.includes(text)) {
    const chunk: unknown = stream.read();
    if (chunk instanceof Buffer) found += chunk.toString("latin1");
    else if (stream.readableEnded) throw new Error(`ended after ${found}`);
    else await new Promise((resolve) => stream.once("readable", resolve));
  }
  return found;
}

const logTo = (machine: NativeMachine, options: Partial<JsonFileLog> = {}): ProcessIo =>
  attached({ log: { path: join(machine.folder, "log"), maxSize: 0, maxFiles: 1, attrs: "", ...options } });

interface Line {
  readonly log: string;
  readonly stream: string;
}

function linesOf(path: string): Line[] {
  const texts = readFileSync(path, "utf8").split("\n").slice(0, -1);
  for (const text of texts) assert.match(text, /,"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z"\}$/);
  return texts.map((text) => JSON.parse(text));
}

async function runToLog(machine: NativeMachine, io: ProcessIo, script: string): Promise<void> {
  await using shim = await machine.create("one", io, script);
  await shim.start(never);
  await shim.wait("", never);
}

test("two clients see all of the output; stdin ends when the first closes it", { skip }, async () => {
  await using machine = await startNativeMachine();
  await using shim = await machine.create(
    "one",
    attached({ stdin: true, stdinOnce: true }),
    "cat; echo done >&2",
  );
  const feeding = await shim.attach("", all, never);
  const watching = await shim.attach("", both, never);
  await shim.start(never);
  feeding.end("hello\n");
  const expected = { stdout: "hello\n", stderr: "done\n" };
  assert.deepEqual(readFrames(await readAll(feeding)), expected);
  assert.deepEqual(readFrames(await readAll(watching)), expected);
});

test("without StdinOnce stdin stays open until it is closed by request", { skip }, async () => {
  await using machine = await startNativeMachine();
  await using shim = await machine.create("one", attached({ stdin: true }), "cat; echo done");
  const first = await shim.attach("", { ...all, stdout: false }, never);
  await shim.start(never);
  first.end("one\n");
  const second = await shim.attach("", all, never);
  second.write("two\n");
  await readUntil(second, "two\n");
  await shim.closeStdin("");
  await readUntil(second, "done\n");
});

test("a client may choose its stream", { skip }, async () => {
  await using machine = await startNativeMachine();
  await using shim = await machine.create("one", attached(), "echo out; echo err >&2");
  const client = await shim.attach("", { stdin: false, stdout: false, stderr: true }, never);
  await shim.start(never);
  assert.deepEqual(readFrames(await readAll(client)), { stdout: "", stderr: "err\n" });
});

test("megabytes go in and come out whole", { skip }, async () => {
  await using machine = await startNativeMachine();
  await using shim = await machine.create("one", attached({ stdin: true, stdinOnce: true }), "cat");
  const client = await shim.attach("", all, never);
  await shim.start(never);
  const block = Buffer.alloc(5_000_000, "0123456789abcdef\n");
  client.end(block);
  assert.equal(readFrames(await readAll(client)).stdout, block.toString());
});

test("a client that does not read holds the output and loses nothing, also after the end", {
  skip,
}, async () => {
  await using machine = await startNativeMachine();
  await using shim = await machine.create(
    "one",
    logTo(machine),
    "yes 0123456789 | head -c 1100000; echo; echo end",
  );
  const slow = await shim.attach("", both, never);
  slow.pause();
  await shim.start(never);
  await delay(300);
  const written = statSync(join(machine.folder, "log")).size;
  assert.ok(written < 20_000_000);
  const { stdout } = readFrames(await readAll(slow));
  assert.equal(stdout.length, 1_100_005);
  assert.ok(stdout.endsWith("\nend\n"));
  assert.equal((await shim.wait("", never)).exitCode, 0);
});

test("a slow client gets what was left in the pipe although the process has ended", { skip }, async () => {
  await using machine = await startNativeMachine();
  await using shim = await machine.create("one", attached(), "yes 0123456789 | head -c 450000");
  const slow = await shim.attach("", both, never);
  slow.pause();
  await shim.start(never);
  assert.equal((await shim.wait("", never)).exitCode, 0);
  await delay(200);
  assert.equal(readFrames(await readAll(slow)).stdout.length, 450_000);
});

test("a terminal: raw bytes, size, and the exit", { skip }, async () => {
  await using machine = await startNativeMachine();
  const io = attached({ terminal: true, stdin: true });
  await using shim = await machine.create(
    "one",
    io,
    "stty size; read line; stty size; echo got $line; exit 5",
  );
  await shim.resizePty("", { rows: 33, cols: 99 });
  const client = await shim.attach("", all, never);
  await shim.start(never);
  assert.match(await readUntil(client, "\n"), /^33 99\r\n/);
  await shim.resizePty("", { rows: 44, cols: 111 });
  client.write("word\r");
  const rest = await readUntil(client, "got word");
  assert.match(rest, /44 111\r\n/);
  assert.equal((await shim.wait("", never)).exitCode, 5);
  client.destroy();
});

/** Made in the machine's folder, one for each stream. */
function makeFifos(machine: NativeMachine): Extract<ProcessIo, { kind: "fifos" }> {
  const [stdin = "", stdout = "", stderr = ""] = ["in", "out", "err"].map((name) =>
    join(machine.folder, name),
  );
  execFileSync("mkfifo", [stdin, stdout, stderr]);
  return { kind: "fifos", terminal: false, stdin, stdout, stderr };
}

const openFifo = (path: string): Socket =>
  new Socket({
    fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK),
    readable: true,
    writable: true,
  });

test("FIFOs carry the streams although nobody writes or reads at first", { skip }, async () => {
  await using machine = await startNativeMachine();
  const io = makeFifos(machine);
  const reader = openFifo(io.stdout);
  await using shim = await machine.create("one", io, "cat; echo err >&2");
  await shim.start(never);
  const writer = openSync(io.stdin, constants.O_WRONLY | constants.O_NONBLOCK);
  new Socket({ fd: writer, readable: false }).end("through\n");
  assert.equal(await readUntil(reader, "\n"), "through\n");
  const late = openFifo(io.stderr);
  assert.equal(await readUntil(late, "\n"), "err\n");
  assert.equal((await shim.wait("", never)).exitCode, 0);
  reader.destroy();
  late.destroy();
});

test("a FIFO's reader that comes when the process has ended still gets all of its output", {
  skip,
}, async () => {
  await using machine = await startNativeMachine();
  const io = makeFifos(machine);
  await using shim = await machine.create("one", io, "echo out; echo err >&2");
  await shim.start(never);
  while (existsSync(`/proc/${shim.initPid}`)) await delay(5); // its parent, the shim, knows then
  const readers = [openFifo(io.stdout), openFifo(io.stderr)];
  const read = await Promise.all(readers.map((reader) => readUntil(reader, "\n")));
  assert.deepEqual(read, ["out\n", "err\n"]);
  assert.equal((await shim.wait("", never)).exitCode, 0);
  for (const reader of readers) reader.destroy();
});

test("the log is Docker's json-file, escapes and all", { skip }, async () => {
  await using machine = await startNativeMachine();
  const text = String.raw`a"b\\c\td<e>&f \303\251 \342\200\250 \377 \001\r`;
  await runToLog(
    machine,
    logTo(machine, { attrs: '{"k":"v"}' }),
    `printf '${text}\\n'; printf tail; echo err >&2`,
  );
  const lines = readFileSync(join(machine.folder, "log"), "utf8").split("\n");
  const expected = String.raw`{"log":"a\"b\\c\u0009d\u003ce\u003e\u0026f é \u2028 \ufffd \u0001\r\n","stream":"stdout","attrs":{"k":"v"},"time":"`;
  assert.ok(lines[0]?.startsWith(expected));
  const tail = linesOf(join(machine.folder, "log")).map(({ log, stream }) => `${stream} ${log}`);
  assert.deepEqual(new Set(tail.slice(1)), new Set(["stdout tail", "stderr err\n"]));
});

test("a long line is cut at 16 KiB without newlines in between", { skip }, async () => {
  await using machine = await startNativeMachine();
  await runToLog(
    machine,
    logTo(machine),
    "yes | head -c 80000 | while read -r x; do printf x; done; echo; echo next",
  );
  const lines = linesOf(join(machine.folder, "log")).map(({ log }) => log);
  assert.deepEqual(
    lines.map(({ length }) => length),
    [16384, 16384, 40000 - 2 * 16384 + 1, 5],
  );
  assert.equal(lines.at(-1), "next\n");
});

test("the log rotates by size and keeps the newest files", { skip }, async () => {
  await using machine = await startNativeMachine();
  await runToLog(
    machine,
    logTo(machine, { maxSize: 10_000, maxFiles: 3 }),
    "i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done",
  );
  const path = join(machine.folder, "log");
  assert.equal(existsSync(`${path}.3`), false);
  const lines = [`${path}.2`, `${path}.1`, path].flatMap(linesOf);
  const numbers = lines.map(({ log }) => Number(log.slice(5)));
  assert.equal(numbers.at(-1), 999);
  assert.deepEqual(
    numbers,
    Array.from(numbers, (_, i) => 1000 - numbers.length + i),
  );
  for (const file of [`${path}.2`, `${path}.1`]) {
    const { size } = statSync(file);
    assert.ok(size >= 10_000 && size < 10_200, `${size}`);
  }
});
