// Programs that people use against Docker, unchanged: dockerode and testcontainers.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Docker from "dockerode";
import { type Engine, startEngine } from "./engine.ts";
import { importBusybox } from "./images.ts";
import { run } from "./process.ts";

const skip = process.getuid?.() !== 0 && "needs root";

let engine: Engine;
before(async () => {
  if (skip) return;
  engine = await startEngine();
  await importBusybox(engine);
});
after(async () => engine?.[Symbol.asyncDispose]());

test("dockerode creates, starts, attaches to, execs in and removes a container", { skip }, async () => {
  const docker = new Docker({ socketPath: engine.socket });
  const container = await docker.createContainer({
    Image: "busybox",
    Cmd: ["cat"],
    OpenStdin: true,
    StdinOnce: true,
  });
  const stream = await container.attach({ stream: true, stdin: true, stdout: true, hijack: true });
  await container.start();
  stream.end("from dockerode\n");
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  assert.match(Buffer.concat(chunks).toString(), /from dockerode\n$/);
  assert.deepEqual(await container.wait(), { StatusCode: 0 });
  await container.remove();
  await assert.rejects(container.inspect(), { statusCode: 404 });
});

test("testcontainers starts a container, waits for its log and stops it", { skip }, async () => {
  const result = await run([process.execPath, `${import.meta.dirname}/testcontainers-walk.ts`], {
    env: { DOCKER_HOST: engine.host, TESTCONTAINERS_RYUK_DISABLED: "true" },
    netns: engine.netns,
  });
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stdout, /exec: hello\n/);
  assert.equal(await engine.docker("ps", "-aq"), "");
});
