// Docker's events with the real client: the same as a real dockerd's, whatever is filtered, and kept over the daemon's end.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, hasBridge, startEngine } from "../system/engine.ts";
import { importBusybox } from "../system/images.ts";
import { type Pair, startPair } from "../system/pair.ts";
import { run } from "../system/process.ts";

const skip = (process.getuid?.() !== 0 || !hasBridge) && "needs root and a bridge";

let pair: Pair;
before(async () => {
  if (skip) return;
  pair = await startPair();
  await Promise.all([live(pair.ours), live(pair.theirs)]);
});
after(() => pair?.[Symbol.asyncDispose]());

/** A life with most of the events that there are. */
async function live({ docker, tryDocker }: Client): Promise<void> {
  await docker("volume", "create", "data");
  const label = ["--label", "tier=front"];
  await docker("create", "--name", "web", ...label, "-v", "data:/d", "busybox", "sleep", "600");
  await docker("start", "web");
  await docker("exec", "web", "true");
  await docker("top", "web");
  await docker("pause", "web");
  await docker("unpause", "web");
  await docker("rename", "web", "site");
  await docker("update", "-m", "64m", "--memory-swap", "64m", "site");
  await docker("restart", "-t", "0", "site");
  await docker("kill", "-s", "KILL", "site");
  await docker("wait", "site");
  await tryDocker(["export", "site", "-o", "/dev/null"]);
  await docker("rm", "site");
  await docker("tag", "busybox", "other:v1");
  await docker("rmi", "other:v1");
  await docker("volume", "rm", "data");
  await docker("run", "--rm", "--name", "brief", "--health-cmd", "true", "busybox", "true");
  await docker("system", "prune", "-f");
}

const now = (): string => String(Date.now() / 1000);

interface Shown {
  readonly Type: string;
  readonly Action: string;
  readonly scope: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

/** All events until now, ids and times taken out; in order of what they are about, since two objects' events may cross. */
async function eventsOf(client: Client, filters: readonly string[]): Promise<readonly string[]> {
  const args = ["events", "--since", "1", "--until", now(), "--format", "json"];
  const until = await client.tryDocker([...args, ...filters.flatMap((filter) => ["--filter", filter])], {
    env: { DOCKER_API_VERSION: "1.41" },
  });
  if (until.code !== 0) return [until.stderr];
  const events = until.stdout
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Shown => JSON.parse(line));
  return events.map(show).sort();
}

const plain = (text: string): string => text.replaceAll(/\b[0-9a-f]{64}\b/g, "ID");

function show({ Type, Action, scope, Actor }: Shown): string {
  const attributes = Object.entries(Actor.Attributes)
    .filter(([name]) => name !== "execDuration" && name !== "reclaimed") // 23.0 brought the first; the second depends on the layout
    .map(([name, value]) => `${name}=${plain(value)}`)
    .sort();
  return `${Type} ${Action} ${scope} ${plain(Actor.ID)} ${attributes.join(" ")}`;
}

/** What the two differ in, and why. */
function sameInBoth(line: string): boolean {
  if (/^image (import|create)/.test(line)) return false; // how the image came
  return !/^container prune|^network prune|^volume prune|^image prune|^builder prune/.test(line);
}

for (const filters of [
  [],
  ["type=container"],
  ["type=network", "type=volume"],
  ["event=start", "event=die"],
  ["event=exec_create"],
  ["container=web"],
  ["container=site", "event=rename"],
  ["container=nosuch"],
  ["image=busybox"],
  ["image=busybox:latest"],
  ["image=nosuch"],
  ["label=tier=front"],
  ["label=tier=back"],
  ["label=tier", "type=container"],
  ["volume=data"],
  ["network=bridge"],
  ["scope=local", "type=image"],
  ["scope=swarm"],
  ["daemon=x"],
  ["nosuch=x"],
]) {
  test(`events ${filters.join(" ") || "without a filter"}`, { skip }, async () => {
    const [our, their] = await Promise.all([eventsOf(pair.ours, filters), eventsOf(pair.theirs, filters)]);
    const words = (line: string): string => line.replace(/Invalid filter/, "invalid filter");
    assert.deepEqual(our.filter(sameInBoth).map(words), their.filter(sameInBoth).map(words));
  });
}

test("prunes tell what they have reclaimed", { skip }, async () => {
  const pruned = (await eventsOf(pair.ours, ["event=prune"])).map((line) => line.split(" ")[0]);
  assert.deepEqual(pruned, ["builder", "container", "image", "network"]);
});

test("the answer is a stream of JSON, or of JSON texts that are marked", { skip }, async () => {
  const ask = async (accept: string): Promise<string> => {
    const url =
      "http://d/v1.51/events?since=1&until=2000000000.5&filters=%7B%22event%22%3A%5B%22rename%22%5D%7D";
    const bounded = url.replace("2000000000.5", now());
    const { stdout } = await run([
      "curl",
      "-si",
      "--unix-socket",
      pair.ours.socket,
      "-H",
      `Accept: ${accept}`,
      bounded,
    ]);
    return stdout;
  };
  assert.match(await ask("*/*"), /Content-Type: application\/json\r\n[\s\S]*\r\n\r\n\{"status":"rename"/);
  assert.match(await ask("application/x-ndjson"), /Content-Type: application\/x-ndjson\r\n/);
  assert.match(
    await ask("application/json-seq"),
    /Content-Type: application\/json-seq\r\n[\s\S]*\r\n\r\n\S\{"status"/,
  );
});

test("events outlive the daemon, however it ends", { skip }, async () => {
  await using engine = await startEngine();
  await importBusybox(engine);
  const seen = async (): Promise<readonly string[]> => {
    const text = await engine.docker(
      "events",
      "--since",
      "1",
      "--until",
      now(),
      "--format",
      "{{.Action}} {{.TimeNano}}",
    );
    return text.split("\n");
  };
  for (let count = 0; count < 5; count++) await engine.docker("volume", "create", `v${count}`);
  const known = await seen();
  assert.equal(known.filter((line) => line.startsWith("create ")).length, 5);
  await engine.docker("volume", "create", "last");
  await engine.kill(); // at once after the answer
  await engine.restart();
  const survived = await seen();
  assert.deepEqual(survived.slice(0, known.length), known);
  assert.equal(survived.length, known.length + 1);
  await engine.restart();
  assert.deepEqual(await seen(), survived);
});

test("the newest are kept, as many as are asked for", { skip }, async () => {
  await using engine = await startEngine({ config: { "event-backlog": 20 } });
  for (let count = 0; count < 30; count++) await engine.docker("volume", "create", `v${count}`);
  await engine.restart();
  const text = await engine.docker("events", "--since", "1", "--until", now(), "--format", "{{.Actor.ID}}");
  assert.deepEqual(
    [text.split("\n").length, text.split("\n").at(0), text.split("\n").at(-1)],
    [20, "v10", "v29"],
  );
});
