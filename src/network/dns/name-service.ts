// Docker's embedded resolver: 127.0.0.11 in every sandbox that is on a network made by somebody.

import { Socket as DatagramSocket } from "node:dgram";
import { Server } from "node:net";
import { PlanError } from "#kernel/plan/executor.ts";
import type { PassedSocket, SocketSource } from "#kernel/zygote/passed-sockets.ts";
import { NamespaceSockets } from "../namespace-sockets.ts";
import { type Exchange, SilentServers } from "./ask-upstreams.ts";
import { exchange } from "./exchange.ts";
import type { NameDirectory, NameSettings } from "./names.ts";
import { planResolver, RESOLVER_PORT } from "./plan-resolver.ts";
import { DNS_PORT, hostSockets } from "./query-sockets.ts";
import { SandboxResolver } from "./sandbox-resolver.ts";

export interface NameServiceDeps {
  readonly sockets: SocketSource;
  readonly directory: NameDirectory;
}

/** Somebody inside may have a port; a running container may have taken several since an earlier daemon. */
const PORTS_TRIED = 16;

/** What a kernel without nftables says. Then the resolver is where it is asked for: a container cannot have a name server of its own on all addresses. */
const WITHOUT_RULES = ["EOPNOTSUPP", "ENOTSUP", "EAFNOSUPPORT", "EPROTONOSUPPORT"];

const never = new AbortController().signal;

export class NameService implements Disposable {
  readonly #deps: NameServiceDeps;
  readonly #serving = new Map<string, Serving>();

  constructor(deps: NameServiceDeps) {
    this.#deps = deps;
  }

  /** Starts the resolver of a sandbox, whose namespace has its loopback up; of one that has one already, changes the settings. */
  async serve(
    sandbox: { readonly id: string; readonly path: string },
    settings: NameSettings,
  ): Promise<void> {
    const known = this.#serving.get(sandbox.id);
    if (known !== undefined) {
      known.resolver.settings = settings;
      return await known.ready;
    }
    const own = new NamespaceSockets(this.#deps.sockets, sandbox.path);
    const ask: Exchange = ({ address, fromHost }, question, signal) =>
      exchange(fromHost ? hostSockets : own, address, question, signal);
    const deps = { directory: this.#deps.directory, silent: new SilentServers(), exchange: ask };
    const resolver = new SandboxResolver(deps, sandbox.id, settings);
    const ready = this.#open(sandbox.path, resolver);
    this.#serving.set(sandbox.id, { resolver, own, ready });
    try {
      await ready;
    } catch (error) {
      this.stop(sandbox.id);
      throw error;
    }
  }

  async #open(path: string, resolver: SandboxResolver): Promise<void> {
    for (let port: number | undefined = RESOLVER_PORT; port !== undefined; ) {
      const failure = await this.#tryPort(path, port, resolver);
      if (failure === undefined) return;
      port = nextPort(port, failure.code);
      if (port === undefined) throw failure;
    }
  }

  async #tryPort(path: string, port: number, resolver: SandboxResolver): Promise<PlanError | undefined> {
    try {
      await this.#deps.sockets.open(
        (give) => planResolver(path, port, give),
        (socket) => serveBy(resolver, socket),
        never,
      );
      return undefined;
    } catch (error) {
      if (error instanceof PlanError) return error;
      throw error;
    }
  }

  /** Its sockets, which keep the namespace alive, are closed when this returns. Nothing if there is none. */
  stop(sandboxId: string): void {
    const serving = this.#serving.get(sandboxId);
    this.#serving.delete(sandboxId);
    serving?.resolver[Symbol.dispose]();
    serving?.own[Symbol.dispose]();
  }

  isServing(sandboxId: string): boolean {
    return this.#serving.has(sandboxId);
  }

  [Symbol.dispose](): void {
    for (const id of [...this.#serving.keys()]) this.stop(id);
  }
}

/** The next one to try after a failure; undefined if none is left. */
function nextPort(port: number, code: string): number | undefined {
  if (WITHOUT_RULES.includes(code)) return port === DNS_PORT ? undefined : DNS_PORT;
  const mayTry = code === "EADDRINUSE" && port >= RESOLVER_PORT && port < RESOLVER_PORT + PORTS_TRIED;
  return mayTry ? port + 1 : undefined;
}

interface Serving {
  readonly resolver: SandboxResolver;
  readonly own: NamespaceSockets;
  readonly ready: Promise<void>;
}

function serveBy(resolver: SandboxResolver, socket: PassedSocket): void {
  if (socket instanceof DatagramSocket) resolver.serveDatagrams(socket);
  else if (socket instanceof Server) resolver.serveConnections(socket);
}
