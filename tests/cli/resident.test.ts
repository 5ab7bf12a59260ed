// Commands that only ask and print are served by a process that stays for a while; nobody is to notice but by the clock.

import assert from "node:assert/strict";
import { readdirSync, watch } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Result, run } from "../system/process.ts";
import { type Answer, startFakeDaemon } from "./fake-daemon.ts";

const program = new URL("../../bin/gantry", import.meta.url).pathname;

const answer: Answer = ({ line }) =>
  line.startsWith("GET /containers/json")
    ? {
        json: [
          { Id: "a".repeat(64), Names: ["/web"], Image: "nginx", Status: "Up", State: "running", Created: 0 },
        ],
      }
    : { status: 404, json: { message: `No such thing: ${line}` } };

interface Place extends AsyncDisposable {
  readonly residents: () => readonly string[];
  readonly gantry: (words: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Result>;
}

async function makePlace(host: string, linger: string): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-resident-"));
  const residents = (): readonly string[] => readdirSync(folder).filter((name) => !name.endsWith(".lock"));
  const common = {
    DOCKER_HOST: host,
    DOCKER_CONFIG: folder,
    GANTRY_RUNC_SOCKETS: folder,
    GANTRY_LINGER: linger,
  };
  return {
    residents,
    gantry: (words, env = {}) => run([program, ...words], { env: { ...common, ...env } }),
    [Symbol.asyncDispose]: async () => {
      await untilGone(folder, residents);
      await rm(folder, { recursive: true });
    },
  };
}

/** A resident takes its name away when it ends. */
function untilGone(folder: string, residents: () => readonly string[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = (): void => {
    if (residents().length > 0) return;
    watcher.close();
    resolve();
  };
  const watcher = watch(folder, look);
  look();
  return promise;
}

const lines: readonly (readonly string[])[] = [
  ["ps"],
  ["ps", "--format", "{{.Names}} {{.CreatedAt}}"],
  ["ps", "--nosuch"],
  ["inspect", "nosuch"],
  ["rm", "nosuch"],
  ["--version"],
  ["__complete", "rm", ""],
];

test("served commands print and end as others do, all by one resident that ends by itself", async () => {
  await using daemon = await startFakeDaemon(answer);
  await using place = await makePlace(daemon.host, "1");
  for (const words of lines) {
    const served = await place.gantry(words);
    assert.deepEqual(served, await place.gantry(words, { GANTRY_LINGER: "0" }), words.join(" "));
  }
  assert.equal(place.residents().length, 1);
});

test("with GANTRY_LINGER=0 nothing stays", async () => {
  await using daemon = await startFakeDaemon(answer);
  await using place = await makePlace(daemon.host, "0");
  assert.equal((await place.gantry(["ps", "-q"])).stdout, "aaaaaaaaaaaa\n");
  assert.deepEqual(place.residents(), []);
});

test("what the resident cannot know as its caller does is left to the caller", async () => {
  await using daemon = await startFakeDaemon(answer);
  await using place = await makePlace(daemon.host, "1");
  const created = ["ps", "--format", "{{.CreatedAt}}"];
  assert.equal((await place.gantry(created, { TZ: "UTC" })).stdout, "1970-01-01 00:00:00 +0000 UTC\n");
  assert.match((await place.gantry(created, { TZ: "Asia/Tokyo" })).stdout, /^1970-01-01 09:00:00 \+0900 /);
  const elsewhere = await place.gantry(["ps"], { DOCKER_HOST: "tcp://127.0.0.1:1" });
  assert.match(elsewhere.stderr, /Cannot connect to the Docker daemon at tcp:\/\/127\.0\.0\.1:1/);
});

test("what keeps the resident away is told in the program's own name", async () => {
  const place = "/proc/nosuch";
  for (const [name, word] of [
    ["gantry", "ps"],
    ["gantry-runc", "list"],
  ] as const) {
    const command = [join(program, "..", name), word];
    const { code, stderr } = await run(command, { env: { GANTRY_RUNC_SOCKETS: place } });
    assert.equal(code, 1);
    assert.equal(stderr, `${name}: ${place} is no folder for the resident's socket: set XDG_RUNTIME_DIR\n`);
  }
});
