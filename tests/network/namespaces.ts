// Network namespaces for tests: each is held by a sleeping process and gone with it.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface Outcome {
  readonly status: number;
  readonly output: string;
}

/** Runs a program to its end; what it prints on both streams comes back. */
export async function run(program: string, ...args: readonly string[]): Promise<Outcome> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [status] = await once(child, "close");
  return { status: typeof status === "number" ? status : -1, output: Buffer.concat(chunks).toString() };
}

export class Namespace {
  readonly pid: number;
  readonly #stop: () => Promise<void>;

  private constructor(pid: number, stop: () => Promise<void>) {
    this.pid = pid;
    this.#stop = stop;
  }

  /** Loopback is up. */
  static async open(): Promise<Namespace> {
    const holder = spawn("unshare", ["--net", "sleep", "infinity"], { stdio: "ignore" });
    const { pid } = holder;
    if (pid === undefined) throw new Error("unshare did not start");
    const own = readlinkSync("/proc/self/ns/net");
    while (readlinkSync(`/proc/${pid}/ns/net`) === own) await sleep(2);
    const namespace = new Namespace(pid, async () => {
      const ended = once(holder, "exit");
      holder.kill("SIGKILL");
      await ended;
    });
    await namespace.run("ip", "link", "set", "lo", "up");
    return namespace;
  }

  get path(): string {
    return `/proc/${this.pid}/ns/net`;
  }

  run(program: string, ...args: readonly string[]): Promise<Outcome> {
    return run("nsenter", `--net=${this.path}`, program, ...args);
  }

  /** Names of its interfaces. */
  async links(): Promise<readonly string[]> {
    const { output } = await this.run("ip", "-o", "link");
    return [...output.matchAll(/^\d+: ([^:@]+)/gm)].map((match) => match[1] ?? "");
  }

  async rules(): Promise<string> {
    return (await this.run("nft", "list", "ruleset")).output;
  }

  async close(): Promise<void> {
    await this.#stop();
  }
}

/** A cable between two namespaces: 192.168.77.1 on the first, 192.168.77.2 on the second, which routes by the first. */
export async function connectLan(first: Namespace, second: Namespace): Promise<void> {
  const pair = ["link", "add", "lan0", "netns", String(first.pid), "type", "veth"];
  execFileSync("ip", [...pair, "peer", "name", "lan0", "netns", String(second.pid)]);
  for (const [namespace, address] of [
    [first, "192.168.77.1/24"],
    [second, "192.168.77.2/24"],
  ] as const) {
    await namespace.run("ip", "address", "add", address, "dev", "lan0");
    await namespace.run("ip", "link", "set", "lan0", "up");
  }
  await second.run("ip", "route", "add", "default", "via", "192.168.77.1");
}
