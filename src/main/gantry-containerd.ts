// The containerd layer alone, for ctr and other daemons:
//   gantry-containerd [--root DIR] [--state DIR] [--address SOCKET]

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { serveContainerd } from "#containerd/server.ts";
import type { SnapshotterName } from "#containerd/snapshots/snapshotter-name.ts";
import { startZygote } from "#kernel/zygote/zygote.ts";
import { readHostFacts } from "#libcontainer/host-facts.ts";
import { DEFAULT_DECOMPRESSION_RATIO } from "#spec/daemon-settings.ts";
import { openContainerdLayer } from "./containerd-layer.ts";
import { nativeProgram } from "./native-program.ts";
import { createNativeShims } from "./native-shims.ts";

const help = `Usage: gantry-containerd [OPTIONS]

Gantry's containerd layer alone

Options:
      --root string      Directory of content, snapshots and metadata (default "/var/lib/gantry/containerd")
      --state string     Directory of running tasks (default "/run/gantry-containerd")
      --snapshotter string  How snapshots are made: overlayfs, or native, which copies (default: overlayfs where it can be mounted)
      --discard-layer-blobs  Discard compressed layers once they are unpacked, where they can be rebuilt bit for bit
      --address string   Socket to serve on (default "<state>/containerd.sock")
      --help             Print this
`;

interface Settings {
  readonly root: string;
  readonly state: string;
  readonly address: string;
  readonly snapshotter: SnapshotterName | undefined;
  readonly discardBlobs: boolean;
}

/** undefined: help was asked for. Throws for what it does not know. */
function readSettings(args: readonly string[]): Settings | undefined {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      root: text,
      state: text,
      address: text,
      snapshotter: text,
      "discard-layer-blobs": { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) return undefined;
  const state = values.state ?? "/run/gantry-containerd";
  return {
    root: values.root ?? "/var/lib/gantry/containerd",
    state,
    address: values.address ?? join(state, "containerd.sock"),
    snapshotter: readSnapshotter(values.snapshotter),
    discardBlobs: values["discard-layer-blobs"] === true,
  };
}

function readSnapshotter(text: string | undefined): SnapshotterName | undefined {
  if (text === undefined || text === "overlayfs" || text === "native") return text;
  throw new Error(`snapshotter not loaded: ${text}`);
}

async function run({ root, state, address, snapshotter, discardBlobs }: Settings): Promise<void> {
  process.umask(0o022);
  const stopped = waitForStop();
  mkdirSync(state, { recursive: true, mode: 0o711 });
  const socketPath = join(state, "zygote.sock");
  const host = readHostFacts();
  await using executor = await startZygote({ binary: nativeProgram(), socket: socketPath });
  const warn = (message: string): void => console.error(message);
  const shims = createNativeShims({ executor, socketPath, host, warn });
  await using services = await openContainerdLayer({
    root,
    execRoot: state,
    shims,
    warn,
    executor,
    executorSocket: socketPath,
    cgroups: host.cgroups,
    snapshotter,
    discardBlobs,
    maxRatio: () => DEFAULT_DECOMPRESSION_RATIO,
  });
  await using _server = await serveContainerd(services, address);
  console.error(`serving ${address}`);
  await stopped;
}

function waitForStop(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  process.once("SIGTERM", () => resolve());
  process.once("SIGINT", () => resolve());
  return promise;
}

async function main(args: readonly string[]): Promise<number> {
  try {
    const settings = readSettings(args);
    if (settings === undefined) process.stdout.write(help);
    else await run(settings);
    return 0;
  } catch (error) {
    console.error(`gantry-containerd: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

void main(process.argv.slice(2)).then((code) => process.exit(code));
