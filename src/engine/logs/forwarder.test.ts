import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type LogDriver, type LogInfo, type LogMessage, usualDelivery } from "./drivers/driver.ts";
import { type ForwardJob, forwardLog } from "./forwarder.ts";

const line = (text: string): string =>
  `${JSON.stringify({ log: text, stream: "stdout", time: "2026-01-01T00:00:00Z" })}\n`;

interface Receiver {
  readonly driver: LogDriver;
  readonly messages: LogMessage[];
  /** Failures still to come. */
  failures: number;
  /** Awaited by each delivery. */
  gate: Promise<void>;
}

function makeReceiver(): Receiver {
  const receiver: Receiver = {
    messages: [],
    failures: 0,
    gate: Promise.resolve(),
    driver: {
      ...usualDelivery,
      retry: () => ({ wait: 0, attempts: 3 }),
      options: [],
      unknownOption: () => "",
      validate: () => undefined,
      open: async () => ({
        send: async (messages) => {
          await receiver.gate;
          if (receiver.failures-- > 0) throw new Error("not now");
          receiver.messages.push(...messages);
        },
        [Symbol.asyncDispose]: async () => undefined,
      }),
    },
  };
  return receiver;
}

const infoWith = (options: LogInfo["options"]): LogInfo => ({
  options,
  containerId: "c",
  containerName: "c",
  command: [],
  imageId: "",
  imageName: "",
  created: "",
  env: [],
  labels: {},
  hostname: "",
});

function makeJob(t: TestContext, receiver: Receiver, options: LogInfo["options"] = {}) {
  const directory = mkdtempSync(join(tmpdir(), "gantry-forwarder-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "log");
  const warnings: string[] = [];
  const job: ForwardJob = {
    source: { path, maxFiles: 2 },
    positionPath: join(directory, "position"),
    driver: receiver.driver,
    info: () => infoWith(options),
    follow: { ended: () => true, changed: () => new Promise(() => undefined) },
    warn: (message) => warnings.push(message),
  };
  return { path, job, warnings };
}

const texts = ({ messages }: Receiver): readonly string[] => messages.map(({ text }) => text);

test("each line is delivered once, whoever reads on", async (t) => {
  const receiver = makeReceiver();
  const { path, job } = makeJob(t, receiver);
  writeFileSync(path, line("one\n"));
  await forwardLog(job, undefined, t.signal);
  appendFileSync(path, line("two\n"));
  renameSync(path, `${path}.1`);
  writeFileSync(path, line("three\n"));
  await forwardLog(job, undefined, t.signal);
  assert.deepEqual(texts(receiver), ["one", "two", "three"]);
});

test("the parts of a long line are numbered", async (t) => {
  const receiver = makeReceiver();
  const { path, job } = makeJob(t, receiver);
  writeFileSync(path, line("a") + line("b") + line("c\n") + line("whole\n"));
  await forwardLog(job, undefined, t.signal);
  const parts = receiver.messages.map(({ partial }) => partial && [partial.ordinal, partial.last]);
  assert.deepEqual(parts, [[1, false], [2, false], [3, true], undefined]);
  assert.equal(new Set(receiver.messages.map(({ partial }) => partial?.id)).size, 2);
});

test("a receiver that fails is tried again, and given up after as many attempts as the options say", async (t) => {
  const receiver = makeReceiver();
  const { path, job, warnings } = makeJob(t, receiver);
  writeFileSync(path, line("one\n"));
  receiver.failures = 2;
  await forwardLog(job, undefined, t.signal);
  assert.deepEqual(texts(receiver), ["one"]);
  appendFileSync(path, line("two\n"));
  receiver.failures = 3;
  await forwardLog(job, undefined, t.signal);
  appendFileSync(path, line("three\n"));
  await forwardLog(job, undefined, t.signal);
  assert.deepEqual(texts(receiver), ["one", "three"]);
  assert.match(warnings.at(-1) ?? "", /^1 log messages were given up after 3 attempts: not now$/);
});

test("lines that were rotated away before they were delivered are told of", async (t) => {
  const receiver = makeReceiver();
  const { path, job, warnings } = makeJob(t, receiver);
  writeFileSync(path, line("one\n"));
  await forwardLog(job, undefined, t.signal);
  writeFileSync(`${path}.next`, line("three\n"));
  renameSync(`${path}.next`, path);
  await forwardLog(job, undefined, t.signal);
  assert.deepEqual(texts(receiver), ["one", "three"]);
  assert.match(warnings[0] ?? "", /^log lines were rotated away/);
});

test("mode=non-blocking drops what finds no room, and says so", async (t) => {
  const receiver = makeReceiver();
  const { path, job, warnings } = makeJob(t, receiver, { mode: "non-blocking", "max-buffer-size": "1k" });
  const gate = Promise.withResolvers<void>();
  receiver.gate = gate.promise;
  writeFileSync(path, Array.from({ length: 1000 }, (_, index) => line(`n${index}\n`)).join(""));
  const done = forwardLog(job, undefined, t.signal);
  while (warnings.length === 0) await new Promise(setImmediate);
  gate.resolve();
  await done;
  assert.equal(receiver.messages.length, 256, "the batch that was on its way");
  assert.deepEqual(warnings, [
    "log messages are dropped: the receiver is slower than the container",
    "744 log messages were dropped",
  ]);
});
