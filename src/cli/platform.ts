// `--platform os[/architecture[/variant]]`.

import { parsePlatform } from "#spec/platform.ts";

const SYSTEMS =
  "aix android darwin dragonfly freebsd illumos ios js linux netbsd openbsd plan9 solaris wasip1 windows".split(
    " ",
  );
const ARCHITECTURES =
  "386 i386 amd64 x86_64 x86-64 arm arm64 aarch64 armhf armel loong64 mips mipsle mips64 mips64le ppc64 ppc64le riscv64 s390x sparc64 wasm".split(
    " ",
  );
const COMPONENT = /^[A-Za-z0-9_.-]+$/;

/** Throws an Error in Docker's words. */
export function checkPlatform(text: string): void {
  if (text === "") return;
  const failed = `error parsing specified platform: ${JSON.stringify(text)}: `;
  const parts = text.split("/");
  if (parts.length > 3) throw new Error(`${failed}cannot parse platform specifier: invalid argument`);
  for (const part of parts)
    if (!COMPONENT.test(part))
      throw new Error(
        `error parsing specified platform: ${JSON.stringify(part)} is an invalid component of ${JSON.stringify(text)}: platform specifier component must match ${JSON.stringify(COMPONENT.source)}: invalid argument`,
      );
  const [only = ""] = parts;
  if (parts.length === 1 && ![...SYSTEMS, ...ARCHITECTURES].includes(only.toLowerCase()))
    throw new Error(`${failed}unknown operating system or architecture: invalid argument`);
}

/** What the daemon is sent by the image commands: JSON, or "" for no platform. Throws in Docker's words. */
export function encodePlatform(text: string): string {
  if (text === "") return "";
  try {
    return JSON.stringify(parsePlatform(text));
  } catch (error) {
    throw new Error(`invalid platform: ${error instanceof Error ? error.message : ""}`, { cause: error });
  }
}

export const PLATFORM_HELP = 'Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")';
