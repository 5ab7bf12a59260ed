// Many containers at once with the layer behind gRPC, and what is left when everything has ended.

import assert from "node:assert/strict";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { containerdModes, type Engine, startEngine } from "./engine.ts";
import { importBusybox } from "./images.ts";
import { must, startBackground } from "./process.ts";

const skip = process.getuid?.() !== 0 && "needs root";

/** What running containers have and ended ones may not leave; `ids` are the beginnings of theirs. */
async function leftovers({ dir, netns }: Engine, ids: readonly string[]): Promise<string[]> {
  const links = (await must(["ip", "-o", "link"], { netns })).split("\n");
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const ofOurs = (text: string): boolean => ids.some((id) => text.includes(id));
  return [
    ...["exec", "containerd-state"].flatMap((state) => list(`${dir}/${state}/tasks/moby`)),
    ...list(`${dir}/exec/netns`),
    ...list(`${dir}/root/containers`),
    ...links.filter((line) => line.includes("veth")),
    ...mounts.filter((line) => line.includes(dir)),
    ...globSync("/sys/fs/cgroup/**/docker/*").filter(ofOurs),
    ...commands().filter((command) => command.includes("gantry-exec") && ofOurs(command)),
  ];
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

const commands = (): string[] =>
  list("/proc").flatMap((pid) => {
    try {
      return [readFileSync(`/proc/${pid}/cmdline`, "utf8")];
    } catch {
      return []; // no process, or one that has ended
    }
  });

for (const mode of containerdModes)
  test(`50 runs at once with containerd in its ${mode} process all work and leave nothing`, {
    skip,
  }, async () => {
    await using engine = await startEngine({ containerd: mode });
    await importBusybox(engine);
    const runs = Array.from({ length: 50 }, () => engine.docker("run", "--rm", "busybox", "hostname"));
    const ids = await Promise.all(runs);
    for (const id of ids) assert.match(id, /^[0-9a-f]{12}$/);
    assert.equal(new Set(ids).size, 50);
    assert.equal(await engine.docker("ps", "-aq"), "");
    while ((await leftovers(engine, ids)).length > 0);
  });

for (const mode of containerdModes)
  test(`SIGTERM ends containers and daemon with containerd in its ${mode} process`, { skip }, async () => {
    await using engine = await startEngine({ containerd: mode });
    await importBusybox(engine);
    const script = "trap 'echo bye; exit 3' TERM; echo ready; while true; do sleep 0.05; done";
    const id = await engine.docker("run", "-d", "--name", "polite", "busybox", "sh", "-c", script);
    const following = startBackground(["docker", "-H", engine.host, "logs", "-f", "polite"]);
    const events = startBackground(["docker", "-H", engine.host, "events"]);
    const exec = startBackground(["docker", "-H", engine.host, "exec", "polite", "sleep", "1000"]);
    await following.line(/ready/);
    await engine.stop();
    assert.match(engine.daemon.output(), /Daemon shutdown complete/);
    assert.doesNotMatch(engine.daemon.output(), /level=error|Unhandled|Uncaught/);
    // Its log and record stay; a shim may take a moment longer than the daemon.
    while ((await leftovers(engine, [id])).some((left) => left !== id));
    for (const client of [following, events, exec]) await client.end();
    await engine.restart();
    assert.equal(
      await engine.docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "polite"),
      "exited 3",
    );
    assert.equal(await engine.docker("logs", "polite"), "ready\nbye");
    await engine.docker("rm", "polite");
  });
