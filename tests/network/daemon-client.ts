// Drives tests/network/network-daemon.ts, a network controller of its own in another network namespace.

import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type {
  AttachRequest,
  EndpointRequest,
  NetworkInfo,
  PortMapping,
  Sandbox,
} from "#network/controller.ts";
import type { NetworkSpec } from "#network/network-spec.ts";
import type { Namespace } from "./namespaces.ts";

export type Command =
  | { readonly verb: "restore"; readonly live: readonly Sandbox[] }
  | { readonly verb: "attach"; readonly request: AttachRequest }
  | { readonly verb: "attachMany"; readonly requests: readonly AttachRequest[] }
  | { readonly verb: "detach"; readonly sandboxIds: readonly string[] }
  | { readonly verb: "create"; readonly spec: NetworkSpec }
  | { readonly verb: "remove"; readonly network: string }
  | { readonly verb: "connect"; readonly sandboxId: string; readonly endpoint: EndpointRequest }
  | { readonly verb: "disconnect"; readonly sandboxId: string; readonly networkId: string }
  /** The daemon kills itself at this one of the moments before and after what it asks of the kernel, counted from now on. */
  | { readonly verb: "killAt"; readonly moment: number }
  | { readonly verb: "list" | "settle" | "removeAll" };

interface Answers {
  readonly attach: Sandbox;
  readonly attachMany: readonly Sandbox[];
  readonly create: NetworkInfo;
  readonly connect: Sandbox;
  readonly disconnect: Sandbox;
  readonly list: readonly NetworkInfo[];
  readonly [verb: string]: unknown;
}

/** A request with ids made of `name`. */
export function attachRequest(name: string, ...ports: readonly Partial<PortMapping>[]): AttachRequest {
  const digest = (of: string): string => createHash("sha256").update(of).digest("hex");
  return {
    sandboxId: digest(`sandbox ${name}`),
    endpoints: [{ network: "bridge", endpointId: digest(`endpoint ${name}`), endpointName: name }],
    ports: ports.map((port) => ({ proto: "tcp", containerPort: 80, hostIp: "", hostPort: 0, ...port })),
  };
}

export class NetworkDaemon {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  /** Time that the last command took in the daemon. */
  lastMs = 0;

  private constructor(child: ChildProcess, reader: Interface) {
    this.#child = child;
    this.#reader = reader;
    this.#lines = reader[Symbol.asyncIterator]();
  }

  /** Nothing is restored. */
  static async start(namespace: Namespace, directory: string, bridge = "docker0"): Promise<NetworkDaemon> {
    const program = join(import.meta.dirname, "network-daemon.ts");
    const args = [`--net=${namespace.path}`, process.execPath, program, directory, bridge];
    const child = spawn("nsenter", args, { stdio: ["pipe", "pipe", "inherit"] });
    return new NetworkDaemon(child, createInterface({ input: child.stdout }));
  }

  async ask<C extends Command>(command: C): Promise<Answers[C["verb"]]> {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error("the network daemon ended");
    const answer = JSON.parse(line.value);
    if (answer.error !== undefined) throw new Error(answer.error);
    this.lastMs = answer.ms;
    return answer.ok;
  }

  attach(name: string, ...ports: readonly Partial<PortMapping>[]): Promise<Sandbox> {
    return this.ask({ verb: "attach", request: attachRequest(name, ...ports) });
  }

  async kill(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
    this.#reader.close();
  }

  /** Removes every trace first, unless it was killed. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    await this.ask({ verb: "removeAll" });
    const ended = once(this.#child, "exit");
    this.#child.stdin?.end();
    await ended;
    this.#reader.close();
  }
}
