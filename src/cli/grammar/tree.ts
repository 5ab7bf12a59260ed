// The tree of commands, as data.

import type { Command } from "./command.ts";

export interface Entry {
  /** All spellings, in the order of Docker's help. */
  readonly names: readonly string[];
  readonly about: string;
  /** Not in help, nor completed. */
  readonly hidden?: true;
  readonly load: () => Promise<{ readonly command: Command }>;
}

export interface Group {
  readonly name: string;
  readonly about: string;
  /** What follows the name in the usage that errors show; Docker's groups differ. */
  readonly usage?: string;
}

export interface CommandTree {
  readonly entries: readonly Entry[];
  readonly groups: readonly Group[];
}
