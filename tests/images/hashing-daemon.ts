// An image daemon that hashes layers instead of unpacking them: no root needed.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { readDecompressed } from "#containerd/diff/decompress.ts";
import type { DiffService } from "#containerd/diff/diff.ts";
import { parseDigest } from "#formats/digest.ts";
import { type ImageDaemon, type ImageDaemonOptions, startImageDaemon } from "./image-daemon.ts";

const hashingDiff = (folder: string): DiffService => ({
  apply: async (_scope, layer, _mounts, { signal }) => {
    const hash = createHash("sha256");
    const blob = join(folder, "root/content/blobs/sha256", parseDigest(layer.digest).encoded);
    for await (const chunk of readDecompressed(blob, () => undefined, signal)) hash.update(chunk);
    return { ...layer, digest: `sha256:${hash.digest("hex")}` };
  },
  compare: () => Promise.reject(new Error("nothing is packed here")),
});

export const startDaemon = (options: Omit<ImageDaemonOptions, "openDiff"> = {}): Promise<ImageDaemon> =>
  startImageDaemon({ openDiff: (_content, root) => hashingDiff(root), ...options });
