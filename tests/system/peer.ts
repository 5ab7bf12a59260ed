// A real dockerd (Debian's docker.io) beside Gantry, to compare with: own roots, socket and network namespace.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type Client, hasBridge, makeClient, makeNamespace } from "./engine.ts";
import { run, startBackground } from "./process.ts";

interface PeerOptions {
  /** An existing namespace to share; by default it gets its own. */
  readonly netns?: string;
  /** Path of a program to run containers by. */
  readonly runtime?: string;
  /** Socket of a containerd to use; by default it starts its own. */
  readonly containerd?: string;
  /** Merged into the configuration file. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export async function startPeer(
  options: PeerOptions = {},
): Promise<Client & AsyncDisposable & { readonly pid: number }> {
  await using undo = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "gantry-peer-"));
  undo.defer(() => rm(dir, { recursive: true, force: true }));
  // dockerd leaves the namespace of containers with --network host mounted.
  undo.defer(async () => void (await run(["umount", "--quiet", `${dir}/exec/netns/default`])));
  const netns = options.netns ?? basename(dir);
  if (options.netns === undefined) undo.use(await makeNamespace(netns));
  const host = `unix://${dir}/docker.sock`;
  const config = {
    "data-root": `${dir}/root`,
    "exec-root": `${dir}/exec`,
    pidfile: `${dir}/docker.pid`,
    hosts: [host],
    "insecure-registries": ["127.0.0.0/8"],
    ...(options.containerd !== undefined && { containerd: options.containerd }),
    ...(options.runtime !== undefined && {
      runtimes: { other: { path: options.runtime } },
      "default-runtime": "other",
    }),
    ...(!hasBridge && { bridge: "none", iptables: false }),
    ...options.config,
  };
  await writeFile(join(dir, "daemon.json"), JSON.stringify(config));
  const daemon = startBackground(["dockerd", "--config-file", join(dir, "daemon.json")], { netns });
  undo.defer(() => daemon.end());
  await daemon.line(/API listen on/);
  const cleanup = undo.move();
  return {
    ...makeClient(host, netns),
    pid: daemon.pid,
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}
