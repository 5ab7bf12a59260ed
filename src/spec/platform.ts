// Platforms: reading "linux/arm64/v8", and choosing the manifest of an index that a machine can run.

import { EngineError, invalid } from "#base/errors.ts";
import type { Descriptor, Platform } from "./oci-image.ts";

const architectures: Readonly<Record<string, string>> = {
  x64: "amd64",
  x86_64: "amd64",
  "x86-64": "amd64",
  ia32: "386",
  i386: "386",
  aarch64: "arm64",
};
const known = new Set([
  "386",
  "amd64",
  "arm",
  "arm64",
  "loong64",
  "mips",
  "mips64",
  "mips64le",
  "mipsle",
  "ppc64",
  "ppc64le",
  "riscv64",
  "s390x",
  "wasm",
]);
const systems = new Set(["linux", "windows", "darwin", "freebsd", "netbsd", "openbsd", "solaris", "wasip1"]);

/** The machine's own. */
export const hostPlatform = (): Platform => normalise({ os: "linux", architecture: process.arch });

/** "linux", "arm64", "linux/arm/v7"; what is missing is the machine's. Rejects `invalid` in Docker's words. */
export function parsePlatform(text: string): Platform {
  const parts = text.split("/");
  for (const part of parts)
    if (!/^[A-Za-z0-9_.-]+$/.test(part))
      throw invalid(
        `"${part}" is an invalid component of "${text}": platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument`,
      );
  const [first = "", second, variant] = parts;
  if (parts.length > 3) throw invalid(`"${text}": cannot parse platform specifier: invalid argument`);
  if (second !== undefined)
    return normalise({ os: first, architecture: second, ...(variant === undefined ? {} : { variant }) });
  const single = normalise({ os: first, architecture: first });
  if (systems.has(single.os)) return { ...hostPlatform(), os: single.os };
  if (known.has(single.architecture)) return { ...single, os: "linux" };
  throw invalid(`"${text}": unknown operating system or architecture: invalid argument`);
}

export const formatPlatform = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant === undefined || variant === "" ? [] : [variant])].join("/");

function normalise(platform: Platform): Platform {
  const os = platform.os.toLowerCase() === "macos" ? "darwin" : platform.os.toLowerCase();
  const lower = platform.architecture.toLowerCase();
  if (lower === "armhf") return { os, architecture: "arm", variant: "v7" };
  if (lower === "armel") return { os, architecture: "arm", variant: "v6" };
  const architecture = Object.hasOwn(architectures, lower) ? (architectures[lower] ?? lower) : lower;
  const variant = normalVariant(architecture, platform.variant?.toLowerCase() ?? "");
  return variant === "" ? { os, architecture } : { os, architecture, variant };
}

function normalVariant(architecture: string, variant: string): string {
  const digits = /^[0-9]+$/.test(variant) ? `v${variant}` : variant;
  if (architecture === "arm64" && digits === "v8") return "";
  if (architecture === "amd64" && digits === "v1") return "";
  if (architecture === "arm" && digits === "") return "v7";
  return digits;
}

/** 0 is an exact match, larger is a worse one, undefined is none. */
export function platformDistance(wanted: Platform, offered: Platform): number | undefined {
  const want = normalise(wanted);
  const offer = normalise(offered);
  if (want.os !== offer.os) return undefined;
  const position = runnable(want).indexOf(formatPlatform(offer));
  return position < 0 ? undefined : position;
}

/** What a machine of this platform runs, best first. */
function runnable(platform: Platform): readonly string[] {
  const { os, architecture } = platform;
  const level = Number(platform.variant?.slice(1) ?? "0");
  const lower = (name: string, from: number, to: number): string[] =>
    Array.from({ length: Math.max(0, from - to + 1) }, (_, index) =>
      formatPlatform(normalise({ os, architecture: name, variant: `v${from - index}` })),
    );
  switch (architecture) {
    case "amd64":
      return [...lower("amd64", Math.max(1, level), 1), `${os}/386`];
    case "arm64":
      return [...lower("arm64", Math.max(8, level), 8), ...lower("arm", 8, 5)];
    case "arm":
      return lower("arm", level, 5);
    default:
      return [formatPlatform(platform)];
  }
}

/** The best manifest for the platform. Entries without a platform match any; attestations ("unknown/unknown") none. */
export function choosePlatform(manifests: readonly Descriptor[], wanted: Platform): Descriptor {
  const ranked = manifests
    .map((manifest) => ({
      manifest,
      distance: manifest.platform === undefined ? 1000 : platformDistance(wanted, manifest.platform),
    }))
    .filter((candidate) => candidate.distance !== undefined)
    .sort((left, right) => (left.distance ?? 0) - (right.distance ?? 0));
  const best = ranked[0];
  if (best === undefined)
    throw new EngineError(
      "notFound",
      `no matching manifest for ${formatPlatform(wanted)} in the manifest list entries: no match for platform in manifest: not found`,
    );
  return best.manifest;
}
