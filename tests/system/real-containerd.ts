// The real containerd (Debian's, 1.6) beside Gantry's layer: own roots and socket, gone when disposed.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBackground } from "./process.ts";

export interface RealContainerd extends AsyncDisposable {
  /** In its folder, whose name is of this one alone. */
  readonly socket: string;
}

/** `netns`: a named network namespace to run in. */
export async function startRealContainerd(netns?: string): Promise<RealContainerd> {
  await using undo = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "gantry-containerd-"));
  undo.defer(() => rm(dir, { recursive: true, force: true }));
  const socket = join(dir, "c.sock");
  const config = `version = 2
root = "${dir}/root"
state = "${dir}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${socket}"
`;
  await writeFile(join(dir, "config.toml"), config);
  const within = netns === undefined ? {} : { netns };
  const daemon = startBackground(["containerd", "-c", join(dir, "config.toml")], within);
  undo.defer(() => daemon.end());
  await daemon.line(/containerd successfully booted/);
  const cleanup = undo.move();
  return { socket, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}
