// The real shells at a tab: what is typed into each, in a terminal, is what the program gets.

import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { spawn } from "node-pty";
import { completionScripts } from "#cli/completion/scripts.ts";
import { type Answer, startFakeDaemon } from "./fake-daemon.ts";

const CLIENT = join(import.meta.dirname, "../../src/main/gantry.ts");

const answer: Answer = ({ line }) => {
  if (line.startsWith("GET /containers/json"))
    return {
      json: [
        { Id: "1", Names: ["/web"], Image: "nginx", Status: "Up 3 minutes", State: "running" },
        { Id: "2", Names: ["/old"], Image: "nginx", Status: "Exited (0)", State: "exited" },
      ],
    };
  if (line.startsWith("GET /images/json")) return { json: [{ RepoTags: ["nginx:latest", "app:1.2"] }] };
  if (line.startsWith("GET /networks")) return { json: [{ Name: "bridge", Driver: "bridge" }] };
  return { status: 404, json: { message: line } };
};

/** What each is started with, so that it reads no settings of the machine's, and how it loads what we print. */
const shells: Readonly<Record<string, { readonly words: readonly string[]; readonly load: string }>> = {
  bash: { words: ["--norc", "--noprofile", "-i"], load: "source $COMPLETION; bind 'set bell-style none'" },
  zsh: { words: ["-f", "-i"], load: "autoload -U compinit; compinit -u -D; source $COMPLETION" },
  fish: { words: ["--no-config", "-i"], load: "source $COMPLETION" },
};

/** Typed behind "gantry "; what the program then gets. Files are in the shell's folder. */
const rows: readonly (readonly [string, readonly string[]])[] = [
  ["volu\tls", ["volume", "ls"]],
  ["rm w\told", ["rm", "web", "old"]],
  ["rm web \t", ["rm", "web", "old"]],
  ["run --network=b\tx", ["run", "--network=bridge", "x"]],
  ["ps --filter stat\tex\t", ["ps", "--filter", "status=exited"]],
  ["run --name 'a b' app:1\t", ["run", "--name", "a b", "app:1.2"]],
  ["run --network container:w\tx", ["run", "--network", "container:web", "x"]],
  ["run --env-file env-\tx", ["run", "--env-file", "env-file", "x"]],
  ["run --env-file=env-\tx", ["run", "--env-file=env-file", "x"]],
  ["  rm  w\t\\ x", ["rm", "web", " x"]],
];

let folder = "";
let host = "";
const undo = new AsyncDisposableStack();

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gantry-shells-"));
  undo.defer(() => rm(folder, { recursive: true }));
  host = undo.use(await startFakeDaemon(answer)).host;
  const ask = `exec '${process.execPath}' -- '${CLIENT}' -H '${host}' "$@"`;
  const program = `#!/bin/sh\n[ "$1" != __complete ] || ${ask}\nprintf 'got:'; printf '[%s]' "$@"; echo :end\n`;
  await writeFile(join(folder, "gantry"), program);
  await chmod(join(folder, "gantry"), 0o755);
  await writeFile(join(folder, "env-file"), "");
  for (const shell of Object.keys(shells))
    await writeFile(join(folder, shell), completionScripts[shell]?.("gantry") ?? "");
});
after(() => undo.disposeAsync());

/** Types lines into the shell, each once the last was answered; resolves to what the program got from each. */
async function typeInto(shell: string, lines: readonly string[]): Promise<readonly string[]> {
  const env = {
    PATH: `${folder}:${process.env.PATH}`,
    HOME: folder,
    TERM: "xterm",
    COMPLETION: join(folder, shell),
    LC_ALL: "C.UTF-8",
  };
  const terminal = spawn(shell, [...(shells[shell]?.words ?? [])], { cols: 200, rows: 50, cwd: folder, env });
  let seen = "";
  let changed = Promise.withResolvers<void>();
  terminal.onData((text) => {
    seen += text;
    changed.resolve();
    changed = Promise.withResolvers();
  });
  const told = (): readonly string[] => [...seen.matchAll(/got:(\S.*?):end/g)].map((match) => match[1] ?? "");
  const enter = async (line: string): Promise<void> => {
    const before = told().length;
    terminal.write(`${line}\r`);
    while (told().length === before) await changed.promise;
  };
  try {
    await enter(`${shells[shell]?.load}; gantry loaded`);
    for (const line of lines) await enter(`gantry ${line}`);
    return told().slice(1);
  } finally {
    terminal.kill("SIGKILL");
  }
}

for (const shell of Object.keys(shells))
  test(`${shell} completes commands, flags, names and files`, { timeout: 240_000 }, async () => {
    const got = await typeInto(
      shell,
      rows.map(([typed]) => typed),
    );
    assert.deepEqual(
      rows.map(([typed], row) => [typed, got[row]]),
      rows.map(([typed, words]) => [typed, words.map((word) => `[${word}]`).join("")]),
    );
  });
