// What the shells are told at a tab, and that bash draws it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { entries } from "#cli/commands/tree.table.ts";
import { completionScripts } from "#cli/completion/scripts.ts";
import { argumentValues, filterValues, flagValues } from "#cli/completion/values.table.ts";
import { gantry } from "./command-line.ts";
import { type Answer, startFakeDaemon } from "./fake-daemon.ts";

const answer: Answer = ({ line }) => {
  if (line.startsWith("GET /containers/json"))
    return {
      json: [
        { Id: "1", Names: ["/web"], Image: "nginx", Status: "Up 3 minutes", State: "running" },
        { Id: "2", Names: ["/old", "/web/link"], Image: "nginx", Status: "Exited (0)", State: "exited" },
      ],
    };
  if (line.startsWith("GET /images/json")) return { json: [{ RepoTags: ["nginx:latest", "app:1.2"] }] };
  if (line.startsWith("GET /volumes")) return { json: { Volumes: [{ Name: "data" }] } };
  if (line.startsWith("GET /networks")) return { json: [{ Name: "bridge", Driver: "bridge" }] };
  return { status: 404, json: { message: line } };
};

/** The words after the program's; what is expected without descriptions, with the directive at the end. */
const rows: readonly (readonly [readonly string[], readonly string[]])[] = [
  [["imag"], ["image", "images", ":4"]],
  [
    ["container", "re"],
    ["remove", "rename", "restart", ":4"],
  ],
  [
    ["help", "volu"],
    ["volume", ":4"],
  ],
  [
    ["rm", ""],
    ["old", "web", ":4"],
  ],
  [
    ["rm", "web", ""],
    ["old", ":4"],
  ],
  [
    ["stop", ""],
    ["web", ":4"],
  ],
  [
    ["start", ""],
    ["old", ":4"],
  ],
  [
    ["run", "n"],
    ["nginx", "nginx:latest", ":4"],
  ],
  [["run", "nginx", ""], [":4"]],
  [
    ["run", "-it", "--network", "b"],
    ["bridge", ":4"],
  ],
  [
    ["run", "--network=b"],
    ["--network=bridge", ":4"],
  ],
  [
    ["run", "--network", "container:"],
    ["container:web", ":4"],
  ],
  [
    ["run", "--ipc", "c"],
    ["container:", ":6"],
  ],
  [
    ["run", "-v", ""],
    ["data", ":4"],
  ],
  [["run", "--env-file", ""], [":0"]],
  [
    ["run", "--restart", "on"],
    ["on-failure", "on-failure:", ":4"],
  ],
  [
    ["run", "--rest"],
    ["--restart", ":4"],
  ],
  [
    ["ps", "--filter", "stat"],
    ["status=", ":6"],
  ],
  [
    ["ps", "--filter", "status=ex"],
    ["status=exited", ":4"],
  ],
  [
    ["ps", "-f", "volume=d"],
    ["volume=data", ":4"],
  ],
  [["container", "inspect", "--", "-"], [":4"]],
  [["nosuch", ""], [":4"]],
  [["image", "build", ""], [":4"]],
];
for (const [words, expected] of rows)
  test(`at the end of "${words.join(" ")}"`, async () => {
    await using daemon = await startFakeDaemon(answer);
    const { stdout } = await gantry(["-H", daemon.host, "__complete", ...words]);
    const values = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t")[0]);
    assert.deepEqual(values, expected);
  });

test("the line's own -H is asked", async () => {
  await using daemon = await startFakeDaemon(answer);
  const { stdout } = await gantry(["__complete", "-H", daemon.host, "volume", "rm", ""]);
  assert.equal(stdout, "data\n:4\n");
});

test("a daemon that does not answer leaves the shell without words, and is not started", async () => {
  let started = false;
  const startDaemon = async (): Promise<void> => {
    started = true;
  };
  const { code, stdout } = await gantry(["-H", "unix:///nonexistent", "__complete", "rm", ""], {
    startDaemon,
  });
  assert.deepEqual([code, stdout, started], [0, ":5\n", false]);
});

test("every name in the tables of values is a command or flag of ours", async () => {
  const commands = new Set(entries.map(({ names }) => names[0]));
  const loaded = await Promise.all(entries.map(({ load }) => load()));
  const flags = new Set(loaded.flatMap(({ command }) => command.flags.map(({ name }) => name)));
  for (const name of ["config", "context", "host", "log-level", "tlscacert", "tlscert", "tlskey"])
    flags.add(name);
  assert.deepEqual(
    Object.keys(flagValues).filter((name) => !flags.has(name)),
    [],
  );
  const named = [...Object.keys(argumentValues), ...Object.keys(filterValues)];
  assert.deepEqual(
    named.filter((name) => name !== "help" && !commands.has(name)),
    [],
  );
});

const run = (program: string, words: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(program, words, (error, stdout) => (error === null ? resolve(stdout) : reject(error)));
  });

test("bash completes a word, and what follows its last colon", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-completion-"));
  t.after(() => rm(folder, { recursive: true }));
  const fake = join(folder, "gantry");
  await writeFile(
    fake,
    '#!/bin/sh\n[ "$1" = __complete ] && printf "app:1.2\\tan image\\napp:1.3\\n:4\\n"\n',
  );
  await chmod(fake, 0o755);
  const script = join(folder, "completion");
  await writeFile(script, completionScripts.bash?.("gantry") ?? "");
  const line = `${fake} run app:1`;
  const program = `source ${script}; COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}; _gantry_complete; printf '%s\\n' "\${COMPREPLY[@]}"`;
  assert.equal(await run("bash", ["-c", program]), "1.2\n1.3\n");
});

test("a shell that we do not know is refused by name", async () => {
  const { code, stderr } = await gantry(["completion", "powershell"]);
  assert.equal(code, 1);
  assert.match(stderr, /completion of powershell is not supported by this version of Gantry/);
});
