// How a tar stream is compressed, told from its first bytes.

export type Compression = "none" | "gzip" | "zstd" | "bzip2" | "xz";

/** Bytes needed to tell. */
export const SNIFF_LENGTH = 6;

const magics: readonly (readonly [Compression, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
];

export function sniffCompression(start: Uint8Array): Compression {
  for (const [compression, magic] of magics)
    if (magic.every((byte, index) => start[index] === byte)) return compression;
  return isZstdSkippable(start) ? "zstd" : "none";
}

/** A zstd stream may begin with a skippable frame: 0x184D2A5?, little endian. */
const isZstdSkippable = (start: Uint8Array): boolean =>
  ((start[0] ?? 0) & 0xf0) === 0x50 && start[1] === 0x2a && start[2] === 0x4d && start[3] === 0x18;
