// `run` against a daemon that only plays one: what is asked in which order, what is printed, how it ends.

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFrame } from "#formats/log-frames.ts";
import { gantry } from "./command-line.ts";
import { type Answer, type FakeDaemon, type Reply, startFakeDaemon } from "./fake-daemon.ts";

const ID = "c0ffee".padEnd(64, "0");

interface Part {
  readonly exitCode?: number;
  readonly startError?: string;
  readonly missingImage?: boolean;
  /** Gets what was typed, and returns what the container prints. */
  readonly print?: (typed: string) => Uint8Array;
}

/** A daemon that has one container's life to play. */
function play(part: Part): Answer {
  let pulled = part.missingImage !== true;
  const ended = Promise.withResolvers<void>();
  const replies: readonly (readonly [RegExp, () => Reply | Promise<Reply>])[] = [
    [
      /^POST \/images\/create/,
      () => {
        pulled = true;
        return {
          lines: [{ status: "Pulling from library/busybox", id: "latest" }, { status: "Status: done" }],
        };
      },
    ],
    [
      /^POST \/containers\/create/,
      () =>
        pulled
          ? { status: 201, json: { Id: ID, Warnings: ["no swap"] } }
          : { status: 404, json: { message: "No such image: busybox:latest" } },
    ],
    [
      /\/attach/,
      () => ({
        hijack: (socket) => {
          let typed = "";
          socket.on("data", (chunk) => {
            typed += String(chunk);
          });
          socket.on("end", () => {
            socket.end(part.print?.(typed) ?? Buffer.alloc(0));
            ended.resolve();
          });
        },
      }),
    ],
    [
      /\/start/,
      () =>
        part.startError === undefined ? { status: 204 } : { status: 500, json: { message: part.startError } },
    ],
    [/\/wait/, () => ({ lines: [{ StatusCode: part.exitCode ?? 0 }] })],
    [/./, () => ({ status: 204 })],
  ];
  return ({ line }) => replies.find(([pattern]) => pattern.test(line))?.[1]() ?? {};
}

const verbs = (daemon: FakeDaemon): string[] =>
  daemon.asked.map(({ line }) => line.replace(/\?.*/, "").replace(ID, "ID"));

test("a run creates, attaches, waits and starts, in this order", async () => {
  const print = (): Uint8Array =>
    Buffer.concat([encodeFrame(1, Buffer.from("out\n")), encodeFrame(2, Buffer.from("err\n"))]);
  await using daemon = await startFakeDaemon(play({ exitCode: 7, print }));
  const { code, stdout, stderr } = await gantry(["-H", daemon.host, "run", "busybox", "true"]);
  assert.deepEqual(verbs(daemon), [
    "POST /containers/create",
    "POST /containers/ID/attach",
    "POST /containers/ID/wait",
    "POST /containers/ID/start",
  ]);
  assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: "out\n", stderr: "WARNING: no swap\nerr\n" });
});

test("the input is carried in, and its end with it", async () => {
  const print = (typed: string): Uint8Array => encodeFrame(1, Buffer.from(typed.toUpperCase()));
  await using daemon = await startFakeDaemon(play({ print }));
  const { stdout } = await gantry(["-H", daemon.host, "run", "-i", "busybox", "cat"], { stdin: "hello\n" });
  assert.equal(stdout, "HELLO\n");
});

test("a missing image is pulled, and the container created after it", async () => {
  await using daemon = await startFakeDaemon(play({ missingImage: true }));
  const { code, stderr } = await gantry(["-H", daemon.host, "run", "-d", "busybox"]);
  assert.deepEqual(verbs(daemon), [
    "POST /containers/create",
    "POST /images/create",
    "POST /containers/create",
    "POST /containers/ID/start",
  ]);
  assert.equal(code, 0);
  assert.equal(
    stderr,
    "Unable to find image 'busybox:latest' locally\nlatest: Pulling from library/busybox\nStatus: done\nWARNING: no swap\n",
  );
});

test("--pull never leaves a missing image missing", async () => {
  await using daemon = await startFakeDaemon(play({ missingImage: true }));
  const { code, stderr } = await gantry(["-H", daemon.host, "run", "--pull", "never", "busybox"]);
  assert.deepEqual(verbs(daemon), ["POST /containers/create"]);
  assert.equal(code, 125);
  assert.match(
    stderr,
    /^gantry: Error response from daemon: No such image: busybox:latest\n\nRun 'gantry run --help'/,
  );
});

test("-d prints the id", async () => {
  await using daemon = await startFakeDaemon(play({}));
  const { code, stdout } = await gantry(["-H", daemon.host, "run", "-d", "busybox"]);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: `${ID}\n` });
});

const failures: readonly (readonly [string, number])[] = [
  ['exec: "nosuch": executable file not found in $PATH: unknown', 127],
  ['exec: "/x": stat /x: no such file or directory', 127],
  ['exec: "/etc": permission denied: unknown', 126],
  ['exec: "/etc": is a directory: unknown', 126],
  ["port is already allocated", 125],
];
for (const [startError, wanted] of failures)
  test(`a start that fails with "${startError}" ends with ${wanted}`, async () => {
    await using daemon = await startFakeDaemon(play({ startError }));
    const { code, stderr } = await gantry(["-H", daemon.host, "run", "--rm", "busybox", "x"]);
    assert.equal(code, wanted);
    assert.ok(stderr.includes(`gantry: Error response from daemon: ${startError}\n`));
  });

test("a terminal in the container needs one outside", async () => {
  await using daemon = await startFakeDaemon(play({}));
  const { code, stderr } = await gantry(["-H", daemon.host, "run", "-it", "busybox"]);
  assert.deepEqual(
    { code, stderr, asked: daemon.asked },
    { code: 1, stderr: "the input device is not a TTY\n", asked: [] },
  );
});

test("the detach keys leave the container running", async () => {
  await using daemon = await startFakeDaemon(play({}));
  const { code } = await gantry(["-H", daemon.host, "run", "-it", "busybox"], {
    stdin: "ls\x10\x11",
    terminal: { rows: 24, columns: 80 },
  });
  assert.equal(code, 0);
  const body = daemon.asked[0]?.body ?? "";
  assert.match(body, /"ConsoleSize":\[24,80\]/);
});

test("a signal that we get is the container's", async () => {
  const listeners = new Map<string, () => void>();
  await using daemon = await startFakeDaemon((asked) => {
    if (asked.line.includes("/kill")) killed.resolve(asked.line);
    if (asked.line.includes("/start")) setImmediate(() => setImmediate(() => listeners.get("SIGTERM")?.()));
    if (asked.line.includes("/attach"))
      return { hijack: (socket) => void killed.promise.then(() => socket.end()) };
    return play({ exitCode: 143 })(asked);
  });
  const killed = Promise.withResolvers<string>();
  await using _daemon = daemon;
  const { code } = await gantry(["-H", daemon.host, "run", "busybox", "sleep", "9"], {
    onSignal: (name, listener) => {
      listeners.set(name, listener);
      if (name === "SIGTERM") setImmediate(listener);
      return { [Symbol.dispose]: () => listeners.delete(name) };
    },
  });
  assert.equal(await killed.promise, `POST /containers/${ID}/kill?signal=TERM`);
  assert.equal(code, 143);
});
