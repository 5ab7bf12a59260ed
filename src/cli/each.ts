// One verb over many names: what succeeded is printed, what failed is told at the end.

import type { Engine } from "#client/engine.ts";
import type { Call } from "./grammar/command.ts";
import { ExitError } from "./grammar/errors.ts";
import { messageFor } from "./messages.ts";

const AT_ONCE = 50;

/** Prints each name when `act` is done with it, in their order; exit code 1 with the messages of the failures. */
export async function forEachName(
  call: Call,
  act: (engine: Engine, name: string) => Promise<string | undefined>,
): Promise<void> {
  const { session, signal } = call;
  const engine = await session.engine(signal);
  const failures: string[] = [];
  for (let at = 0; at < call.arguments.length; at += AT_ONCE) {
    const running = call.arguments.slice(at, at + AT_ONCE).map((name) => act(engine, name));
    for (const outcome of await Promise.allSettled(running)) {
      if (outcome.status === "rejected") failures.push(messageFor(outcome.reason));
      else if (outcome.value !== undefined) session.out(`${outcome.value}\n`);
    }
  }
  if (failures.length > 0) throw new ExitError(1, failures.join("\n"));
}
