import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import type { ProgressMessage } from "#client/images.ts";
import { showProgress } from "./progress.ts";

const messages: readonly ProgressMessage[] = [
  { status: "Pulling from library/busybox", id: "latest" },
  { status: "Pulling fs layer", progressDetail: {}, id: "a1" },
  { status: "Downloading", progressDetail: { current: 1000, total: 2000 }, id: "a1" },
  { status: "Pull complete", progressDetail: {}, id: "a1" },
  { status: "Status: Downloaded newer image for busybox:latest" },
];

async function shown(terminal: object, list: readonly ProgressMessage[]): Promise<string> {
  let text = "";
  const write = (chunk: unknown, _encoding: string, done: () => void): void => {
    text += String(chunk);
    done();
  };
  const out = Object.assign(new Writable({ write }), terminal);
  const feed = async function* () {
    yield* list;
  };
  await showProgress(feed(), out);
  return text;
}

test("without a terminal only what happened is told, a line each", async () => {
  assert.equal(
    await shown({}, messages),
    "latest: Pulling from library/busybox\na1: Pulling fs layer\na1: Pull complete\nStatus: Downloaded newer image for busybox:latest\n",
  );
});

test("on a terminal a layer's line is redrawn in its place", async () => {
  const text = await shown({ isTTY: true, columns: 80 }, messages);
  assert.equal(text.split("\n").length - 1, 3); // the head, the layer's one line, the end
  assert.ok(text.includes("\x1b[1A\x1b[2K\ra1: Downloading      1kB/2kB\r\x1b[1B"));
});

test("an error in the stream is thrown with its message", async () => {
  await assert.rejects(shown({}, [{ errorDetail: { message: "no space" }, error: "no space" }]), {
    message: "no space",
  });
});
