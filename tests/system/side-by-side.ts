// The same commands with the same real clients against gantryd and a real dockerd: what is printed may differ only in ids,
// times and versions.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Engine, startEngine } from "./engine.ts";
import { importBusybox } from "./images.ts";
import { startPeer } from "./peer.ts";
import type { Result } from "./process.ts";

/** The newest client, and Debian's own (20.10). */
const clients = ["docker", "/usr/bin/docker"];

/** Titles with their command lines; nothing is split, words are given as they are. */
export type Walks = Readonly<Record<string, readonly (readonly string[])[]>>;

/** What Docker has reworded since 20.10, the release that we compare with: we print the newer words. */
const reworded: readonly (readonly [newer: RegExp, older: string])[] = [
  [/failed to create task for container: /g, ""],
  [/failed to set up container networking: /g, ""],
  [/daemon: cannot kill/g, "daemon: Cannot kill"],
  [/: container ID is not running/g, ": Container ID is not running"],
  [/invalid filter 'nosuch'/g, "Invalid filter 'nosuch'"],
  [
    /cannot remove container "life": container is running: stop the container before removing or force remove/g,
    "You cannot remove a running container ID. Stop the container before attempting removal or force remove",
  ],
];

type Reworded = typeof reworded;

const inOlderWords = (text: string, all: Reworded): string =>
  all.reduce((words, [newer, older]) => words.replaceAll(newer, older), text);

/** The 20.10 client tells it of some failed starts, depending on which of two answers comes first. */
const RACE = /^time=.*error waiting for container: context canceled.*$/gm;

/** Takes out what may differ. */
const normalise = (text: string, netns: string, all: Reworded): string =>
  inOlderWords(text.replaceAll(netns, "ENGINE").replaceAll(/\b[0-9a-f]{64}\b/g, "ID"), all)
    .replaceAll(RACE, "")
    .replaceAll(/\b[0-9a-f]{12}\b/g, "SHORT")
    .replaceAll(/\b\d+(\.\d+)? ?(seconds?|minutes?)\b/g, "TIME")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replaceAll(/[A-Z][a-z]{2} [ \d]\d \d\d:\d\d/g, "TIME")
    .trim();

const comparable = ({ code, stdout, stderr }: Result, netns: string, all: Reworded): unknown => ({
  // A missing command of exec is 127 since 23.0, as it is with run.
  code: code === 127 && `${stdout}${stderr}`.includes("OCI runtime exec failed") ? 126 : code,
  stdout: normalise(stdout, netns, all).split("\n"),
  stderr: normalise(stderr, netns, all).split("\n"),
});

export interface SideBySide {
  /** More words that differ from those of dockerd 20.10. */
  readonly reworded?: typeof reworded;
  /** Default: both. */
  readonly clients?: readonly string[];
}

/** Registers one test for each walk and client. Both daemons have the image busybox. */
export function testSideBySide(walks: Walks, options: SideBySide = {}): void {
  const skip = process.getuid?.() !== 0 && "needs root";
  let ours: Engine;
  let theirs: Client & AsyncDisposable;
  before(async () => {
    if (skip) return;
    [ours, theirs] = await Promise.all([startEngine(), startPeer()]);
    await Promise.all([importBusybox(ours), importBusybox(theirs)]);
  });
  after(async () => {
    await ours?.[Symbol.asyncDispose]();
    await theirs?.[Symbol.asyncDispose]();
  });
  const words = [...reworded, ...(options.reworded ?? [])];
  for (const program of options.clients ?? clients) {
    for (const [title, steps] of Object.entries(walks)) {
      test(`${program}: ${title}`, { skip }, async (t) => {
        for (const step of steps) {
          await t.test(step.join(" "), async () => {
            // One API version for both: Debian's dockerd speaks 1.41.
            const settings = { program, env: { DOCKER_API_VERSION: "1.41" } };
            const our = await ours.tryDocker(step, settings);
            const their = await theirs.tryDocker(step, settings);
            assert.deepEqual(comparable(our, ours.netns, words), comparable(their, theirs.netns, words));
          });
        }
      });
    }
  }
}
