// What versions after those of Debian's dockerd brought: heard from their version on, and not before.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Engine, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { type RawAnswer, type RawRequest, sendRaw } from "./raw-request.ts";

const skip = process.getuid?.() !== 0 && "needs root";
let engine: Engine;

before(async () => {
  if (skip) return;
  engine = await startEngine();
  await importBusybox(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const ask = (line: string, more: Omit<RawRequest, "method" | "path"> = {}): Promise<RawAnswer> => {
  const [method = "", path = ""] = line.split(" ");
  return sendRaw(engine.socket, { method, path, ...more });
};

/** Ends with 7 for SIGTERM and 8 for SIGINT, and says when it is ready. */
const traps = "trap 'exit 7' TERM; trap 'exit 8' INT; echo ready; while :; do sleep 0.1; done";

for (const [version, verb, code] of [
  ["1.41", "stop", 7],
  ["1.42", "stop", 8],
  ["1.41", "restart", 7],
  ["1.42", "restart", 8],
] as const)
  test(`a ${verb} of ${version} with a signal ends the container by ${code === 8 ? "it" : "its own"}`, {
    skip,
  }, async () => {
    await engine.docker("run", "-d", "--name", "traps", "busybox", "sh", "-c", traps);
    while (!(await engine.docker("logs", "traps")).includes("ready"));
    const since = Math.floor(Date.now() / 1000);
    assert.equal((await ask(`POST /v${version}/containers/traps/${verb}?signal=INT&t=20`)).status, 204);
    const events = await ask(`GET /v1.41/events?since=${since}&until=${Math.ceil(Date.now() / 1000)}`);
    assert.match(events.body.toString(), new RegExp(`"exitCode":"${code}"`));
    await engine.docker("rm", "-f", "traps");
  });

for (const [version, expected] of [
  ["1.41", ["out", "err"]],
  ["1.42", ["err"]],
] as const)
  test(`a WebSocket of ${version} that asks for one output gets ${expected.length}`, { skip }, async () => {
    await engine.docker("run", "--name", "both", "busybox", "sh", "-c", "echo out; echo err >&2");
    const path = `/v${version}/containers/both/attach/ws?logs=1&stderr=1`;
    const { body } = await ask(`GET ${path}`, { upgrade: "websocket" });
    assert.deepEqual(
      ["out", "err"].filter((word) => body.includes(word)),
      expected,
    );
    await engine.docker("rm", "both");
  });

test("df tells the kinds that were asked for from 1.42 on", { skip }, async () => {
  const kinds = async (version: string) =>
    JSON.parse((await ask(`GET /v${version}/system/df?type=volume`)).body.toString());
  assert.notEqual((await kinds("1.41")).Images, null);
  const { Images = null, Volumes } = await kinds("1.42");
  assert.deepEqual([Images, Volumes], [null, []]);
});

test("the streams of a container without a terminal are named from 1.42 on", { skip }, async () => {
  await engine.docker("run", "--name", "lines", "busybox", "echo", "line");
  for (const [version, type] of [
    ["1.41", "application/vnd.docker.raw-stream"],
    ["1.42", "application/vnd.docker.multiplexed-stream"],
  ]) {
    const { headers } = await ask(`GET /v${version}/containers/lines/logs?stdout=1`);
    assert.equal(headers["content-type"], type);
  }
  await engine.docker("rm", "lines");
});
