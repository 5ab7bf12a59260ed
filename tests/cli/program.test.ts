// The program around the commands: help, unknown words, no daemon.

import assert from "node:assert/strict";
import { test } from "node:test";
import { entries, groups, unsupportedCommands } from "#cli/commands/tree.table.ts";
import { gantry } from "./command-line.ts";

const NOWHERE = "unix:///nonexistent/docker.sock";
const DOWN = `Cannot connect to the Docker daemon at ${NOWHERE}. Is the docker daemon running?\n`;

for (const { names } of entries)
  for (const name of names.filter((one) => !one.startsWith("__")))
    test(`gantry ${name} --help names the command and itself`, async () => {
      const { code, stdout } = await gantry([...name.split(" "), "--help"]);
      assert.equal(code, 0);
      assert.ok(stdout.startsWith(`Usage:  gantry ${name}`));
    });

for (const { name } of groups)
  test(`gantry ${name} shows its commands`, async () => {
    const { code, stderr } = await gantry([name]);
    assert.equal(code, 0);
    assert.match(stderr, /\nCommands:\n/);
  });

for (const name of unsupportedCommands)
  test(`gantry ${name} is refused by name`, async () => {
    const { code, stderr } = await gantry(name.split(" "));
    assert.deepEqual([code, stderr], [1, `gantry ${name} is not supported by this version of Gantry\n`]);
  });

const wrong: readonly (readonly [readonly string[], number, string])[] = [
  [["foo"], 1, "gantry: unknown command: gantry foo\n\nRun 'gantry --help' for more information\n"],
  [
    ["image", "foo"],
    1,
    "gantry: unknown command: gantry image foo\n\nUsage:  gantry image\n\nRun 'gantry image --help' for more information\n",
  ],
  [
    ["run", "--foo"],
    125,
    "unknown flag: --foo\n\nUsage:  gantry run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'gantry run --help' for more information\n",
  ],
  [
    ["stop"],
    1,
    "gantry: 'gantry stop' requires at least 1 argument\n\nUsage:  gantry stop [OPTIONS] CONTAINER [CONTAINER...]\n\nSee 'gantry stop --help' for more information\n",
  ],
  [
    ["conatiner", "ls"],
    1,
    "gantry: unknown command: gantry conatiner\n\nDid you mean this?\n\tcontainer\n\nRun 'gantry --help' for more information\n",
  ],
  [
    ["commit", "--no-pause", "--pause=false", "web"],
    1,
    "conflicting options: --no-pause and --pause cannot be used together\n",
  ],
  [["help", "foo"], 1, "unknown help topic: foo\n"],
  [["help", "image", "foo"], 1, "unknown help topic: image foo\n"],
  [["-l", "loud", "ps"], 1, "Unable to parse logging level: loud\n"],
  [["-H", NOWHERE, "ps"], 1, DOWN],
  [["-H", NOWHERE, "run", "x"], 125, `gantry: ${DOWN}\nRun 'gantry run --help' for more information\n`],
];
for (const [words, code, stderr] of wrong)
  test(`gantry ${words.join(" ")} fails in Docker's words`, async () => {
    assert.deepEqual(await gantry(words), { code, stdout: "", stderr });
  });

test("a daemon that somebody named is never started", async () => {
  let started = 0;
  const startDaemon = async (): Promise<void> => {
    started++;
  };
  await gantry(["-H", NOWHERE, "ps"], { startDaemon });
  await gantry(["ps"], { startDaemon, env: { DOCKER_HOST: NOWHERE } });
  assert.equal(started, 0);
});
