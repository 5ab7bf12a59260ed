// What a command's client says of itself: its pid, behind which the kernel knows the rest.

import { readFileSync, readlinkSync } from "node:fs";
import type { BodyReader } from "#kernel/zygote/wire-frames.ts";

export interface Hello {
  readonly pid: number;
  readonly hasErrorTerminal: boolean;
  readonly cwd: string;
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** gantry-exec runc LAUNCHER BUILD FOLDER */
const BEFORE_WORDS = 5;

export function readHello(body: BodyReader): Hello {
  const pid = body.u32();
  return {
    pid,
    hasErrorTerminal: /^\/dev\/(pts\/|tty|console)/.test(readlinkSync(`/proc/${pid}/fd/2`)),
    cwd: readlinkSync(`/proc/${pid}/cwd`),
    words: readTexts(`/proc/${pid}/cmdline`).slice(BEFORE_WORDS),
    env: readEnvironment(readTexts(`/proc/${pid}/environ`)),
  };
}

const readTexts = (path: string): readonly string[] => readFileSync(path, "utf8").split("\0").slice(0, -1);

const readEnvironment = (entries: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf("=");
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
