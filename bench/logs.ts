// Logs beside a real dockerd: node bench/logs.ts [MEGABYTES], as root. Lines of 71 bytes through a container into its log, and out again.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, startEngine } from "../tests/system/engine.ts";
import { importBusybox } from "../tests/system/images.ts";
import { startPeer } from "../tests/system/peer.ts";
import { must } from "../tests/system/process.ts";
import { memoryOf } from "./memory.ts";
import { median, timed } from "./pair.ts";

const megabytes = Number(process.argv[2] ?? 1000);
const line = `${"x".repeat(70)}\n`;

interface Side {
  readonly client: Client;
  readonly pid: number;
  /** One file without an end, on both sides. */
  readonly options: readonly string[];
}

const privateMemory = (pid: number): number => memoryOf(pid).private;

async function repeated(times: number, action: () => Promise<unknown>): Promise<string> {
  const found: number[] = [];
  for (let left = times; left > 0; left--) found.push(await timed(action));
  return `${Math.min(...found).toFixed(0)} / ${median(found).toFixed(0)} ms`;
}

/** The client's output goes nowhere: only the daemon and the client are measured. */
const readLogs = (client: Client, ...options: readonly string[]): Promise<string> =>
  must(["sh", "-c", 'exec docker logs "$@" >/dev/null 2>&1', "logs", ...options], {
    netns: client.netns,
    env: { DOCKER_HOST: client.host },
  });

async function measure(name: string, { client, pid, options }: Side, directory: string): Promise<void> {
  const before = privateMemory(pid);
  let id = "";
  const written = await timed(async () => {
    const command = ["busybox", "sh", "-c", "cat /data/lines; echo end"];
    id = await client.docker("run", "-d", "-v", `${directory}:/data:ro`, ...options, ...command);
    await client.docker("wait", id);
  });
  const after = privateMemory(pid);
  const whole = await timed(() => readLogs(client, id));
  const rate = (time: number): string => `${(megabytes / (time / 1000)).toFixed(0)} MB/s`;
  const [last = ""] = (await client.docker("logs", "-t", "-n", "1", id)).split(" ");
  console.log(`${name}: ${megabytes} MB of lines`);
  console.log(`  into the log        ${(written / 1000).toFixed(1)} s, ${rate(written)}`);
  console.log(
    `  daemon, private     ${before} KiB before, ${after} after, ${privateMemory(pid)} when all was read`,
  );
  console.log(`  logs (all)          ${(whole / 1000).toFixed(1)} s, ${rate(whole)}`);
  console.log(`  logs --tail 10      ${await repeated(11, () => readLogs(client, "--tail", "10", id))}`);
  console.log(`  logs --since (end)  ${await repeated(1, () => readLogs(client, "--since", last, id))}`);
  console.log(`  docker version      ${await repeated(11, () => client.docker("version"))}`);
  await client.docker("rm", id);
}

const directory = await mkdtemp(join(tmpdir(), "gantry-bench-"));
try {
  const block = line.repeat(Math.floor(1e6 / line.length));
  await writeFile(
    join(directory, "lines"),
    Array.from({ length: megabytes }, () => block),
  );
  await using ours = await startEngine();
  await using theirs = await startPeer();
  await Promise.all([importBusybox(ours), importBusybox(theirs)]);
  const unlimited = ["--log-opt", "max-size=-1"];
  await measure("Gantry", { client: ours, pid: ours.daemon.pid, options: unlimited }, directory);
  await measure("dockerd", { client: theirs, pid: theirs.pid, options: [] }, directory);
} finally {
  await rm(directory, { recursive: true, force: true });
}
