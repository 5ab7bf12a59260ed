// What the prunes tell before they ask, and that nothing is removed without a yes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gantry } from "./command-line.ts";
import { type Answer, startFakeDaemon } from "./fake-daemon.ts";

const [used, unused] = ["sha256:1", "sha256:2"];
const mounts = (Name: string): object => ({ Mounts: [{ Type: "volume", Name }] });

const things: Readonly<Record<string, unknown>> = {
  "/containers/json": [
    {
      Id: "1",
      Names: ["/web"],
      Image: "nginx",
      ImageID: used,
      State: "running",
      Status: "Up",
      ...mounts("kept"),
    },
    {
      Id: "2",
      Names: ["/old"],
      Image: "app",
      ImageID: unused,
      State: "exited",
      Status: "Exited (0)",
      ...mounts("anon"),
    },
  ],
  "/networks": [{ Name: "lonely" }],
  "/images/json": [
    { Id: used, RepoTags: ["nginx:latest"], Size: 1000 },
    { Id: unused, RepoTags: ["app:latest"], Size: 2000 },
    { Id: "sha256:3", RepoTags: [], Size: 3000 },
  ],
  "/volumes": {
    Volumes: [
      { Name: "anon", Driver: "local", Labels: { "com.docker.volume.anonymous": "" } },
      { Name: "kept", Driver: "local", Labels: { "com.docker.volume.anonymous": "" } },
      { Name: "named", Driver: "local", Labels: null },
    ],
  },
};
const answer: Answer = ({ line }) => {
  const [, path = ""] = /^GET ([^?]*)/.exec(line) ?? [];
  return path in things ? { json: things[path] } : { json: {} };
};

const rows: readonly (readonly [readonly string[], readonly string[]])[] = [
  [
    ["system", "prune"],
    ["container old (app, Exited (0))", "network lonely", "image 3 (3kB)"],
  ],
  [
    ["system", "prune", "-a", "--volumes"],
    [
      "container old (app, Exited (0))",
      "network lonely",
      "volume anon",
      "image app:latest (2kB)",
      "image 3 (3kB)",
    ],
  ],
  [["network", "prune"], ["lonely"]],
  [["image", "prune"], ["3 (3kB)"]],
  [["image", "prune", "-a"], ["3 (3kB)"]],
  [["volume", "prune"], []],
  [["volume", "prune", "-a"], ["named"]],
];
for (const [words, expected] of rows)
  test(`${words.join(" ")} names what will go before it asks`, async () => {
    await using daemon = await startFakeDaemon(answer);
    const { code, stdout } = await gantry(["-H", daemon.host, ...words], { stdin: "n\n" });
    const told = stdout.split("What that is now:\n").at(-1) ?? "";
    const named = [...told.matchAll(/^ {2}- (.*)$/gm)].map(([, name]) => name);
    assert.deepEqual([code, named], [0, expected]);
    assert.deepEqual(
      daemon.asked.filter(({ line }) => !line.startsWith("GET")),
      [],
    );
  });
