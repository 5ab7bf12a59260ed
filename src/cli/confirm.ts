// "Are you sure?" before something is removed.

import type { Call } from "./grammar/command.ts";
import { ExitError } from "./grammar/errors.ts";
import { toggle } from "./grammar/flags.ts";

export const forceFlag = toggle("force", { short: "f", about: "Do not prompt for confirmation" });

async function readLine(call: Call): Promise<string> {
  let line = "";
  for await (const chunk of call.session.surroundings.stdin) {
    line += String(chunk);
    if (line.includes("\n")) break;
  }
  return line.split("\n")[0]?.trim() ?? "";
}

/** Resolves if the user agrees or said --force. Anything but "y" and "yes" ends the program. */
export async function confirm(call: Call, warning: string): Promise<void> {
  if (call.option(forceFlag)) return;
  call.session.out(`${warning}Are you sure you want to continue? [y/N] `);
  const answer = (await readLine(call)).toLowerCase();
  if (answer !== "y" && answer !== "yes") throw new ExitError(0);
}
