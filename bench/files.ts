// Files of containers beside a real dockerd: node bench/files.ts [ROUNDS [NAME]], as root. One file of 1 GB and 10,000 of 20 bytes, out of a container
// and into it, by the bare request (curl) and by the real client; and the export of both. The page cache holds all of it.

import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, startEngine } from "../tests/system/engine.ts";
import { importBusybox } from "../tests/system/images.ts";
import { startPeer } from "../tests/system/peer.ts";
import { must } from "../tests/system/process.ts";
import { measurePair, timed } from "./pair.ts";
import { processorTime } from "./processor.ts";
import { type Row, renderRows } from "./report.ts";

const rounds = Number(process.argv[2] ?? 5);
/** Part of the names of what is measured. */
const only = process.argv[3] ?? "";
const LARGE = 1000;
const MANY = 10_000;
const noSlower = { text: "no slower", advantage: 1 };

interface Side {
  readonly client: Client;
  readonly pid: number;
}

/** What is copied in, as files and as archives. */
async function makeSources(folder: string): Promise<void> {
  await mkdir(join(folder, "many"));
  const megabyte = Buffer.alloc(1_000_000, "0123456789abcdef");
  await writeFile(
    join(folder, "large"),
    Array.from({ length: LARGE }, () => megabyte),
  );
  for (let index = 0; index < MANY; index++)
    await writeFile(join(folder, "many", `file-${index}`), `content ${index}`.padEnd(20));
  for (const name of ["large", "many"])
    await must(["tar", "-C", folder, "-cf", join(folder, `${name}.tar`), name]);
}

const url = (path: string): string => `http://localhost/v1.41/containers/box/${path}`;
const curl = ({ socket }: Client, ...args: readonly string[]): Promise<string> =>
  must(["curl", "--silent", "--show-error", "--fail", "--unix-socket", socket, ...args]);
const get = (client: Client, path: string): Promise<string> =>
  curl(client, "--output", "/dev/null", url(path));
const put = (client: Client, archive: string, into: string): Promise<string> =>
  curl(
    client,
    "--upload-file",
    archive,
    "--header",
    "Content-Type: application/x-tar",
    url(`archive?path=${into}`),
  );

/** As a user starts it; its output goes nowhere. */
const docker = (client: Client, ...args: readonly string[]): Promise<string> =>
  must(["sh", "-c", 'exec docker "$@" >/dev/null', "docker", ...args], { env: { DOCKER_HOST: client.host } });

/** A new one each time: some file systems are slow where something was removed just before. */
async function makeTarget(client: Client): Promise<string> {
  const path = `/in-${randomUUID()}`;
  await client.docker("exec", "box", "mkdir", path);
  return path;
}

/** `into`: an empty directory of the container. */
type Action = (client: Client, into: string) => Promise<unknown>;

function actionsOf(sources: string): Readonly<Record<string, Action>> {
  const at = (name: string): string => join(sources, name);
  const out = async (client: Client, name: string): Promise<void> => {
    const folder = at(`out-${randomUUID()}`);
    await mkdir(folder);
    await docker(client, "cp", `box:/${name}`, folder);
  };
  return {
    "1 GB out, the request": (client) => get(client, "archive?path=/large"),
    "1 GB in, the request": (client, into) => put(client, at("large.tar"), into),
    "10,000 files out, the request": (client) => get(client, "archive?path=/many"),
    "10,000 files in, the request": (client, into) => put(client, at("many.tar"), into),
    "export of all of it, the request": (client) => get(client, "export"),
    "`cp box:/large DIR`": (client) => out(client, "large"),
    "`cp large box:/in`": (client, into) => docker(client, "cp", at("large"), `box:${into}`),
    "`cp box:/many DIR`": (client) => out(client, "many"),
    "`cp many box:/in`": (client, into) => docker(client, "cp", at("many"), `box:${into}`),
    "`cp box:/many -`": (client) => docker(client, "cp", "box:/many", "-"),
    "`export box`": (client) => docker(client, "export", "box"),
  };
}

async function measure(name: string, action: Action, ours: Side, theirs: Side): Promise<Row[]> {
  const used = { ours: [] as number[], theirs: [] as number[] };
  const sample = (side: Side, times: number[]) => async (): Promise<number> => {
    const into = await makeTarget(side.client);
    const before = processorTime(side.pid, true);
    const time = await timed(() => action(side.client, into));
    times.push(processorTime(side.pid, true) - before);
    return time;
  };
  const [load = 0] = loadavg();
  const figures = await measurePair({
    name: `${name} (load ${load.toFixed(1)})`,
    unit: "ms",
    rounds,
    ours: sample(ours, used.ours),
    theirs: sample(theirs, used.theirs),
  });
  return [
    { ...figures, target: noSlower },
    { name: `- processor of the daemon and its children`, unit: "ms", ours: used.ours, theirs: used.theirs },
  ];
}

const folder = await mkdtemp(join(tmpdir(), "gantry-bench-"));
try {
  await makeSources(folder);
  await using ours = await startEngine();
  await using theirs = await startPeer();
  for (const client of [ours, theirs]) {
    await importBusybox(client);
    await client.docker("run", "-d", "--network", "none", "--name", "box", "busybox", "sleep", "99999");
    await docker(client, "cp", join(folder, "large"), "box:/");
    await docker(client, "cp", join(folder, "many"), "box:/");
  }
  const rows: Row[] = [];
  for (const [name, action] of Object.entries(actionsOf(folder))) {
    if (!name.includes(only)) continue;
    rows.push(
      ...(await measure(
        name,
        action,
        { client: ours, pid: ours.daemon.pid },
        { client: theirs, pid: theirs.pid },
      )),
    );
    console.log(renderRows(rows.slice(-2)));
  }
  for (const client of [ours, theirs])
    await client.docker("rm", "-f", "-t", "0", "box").catch(() => undefined);
} finally {
  await rm(folder, { recursive: true, force: true });
}
