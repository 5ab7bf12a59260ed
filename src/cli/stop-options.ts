// How a container is asked to stop: the flags of `stop` and `restart`.

import type { Call } from "./grammar/command.ts";
import { integer, text } from "./grammar/flags.ts";

const signalName = text("signal", { short: "s", about: "Signal to send to the container" });
const timeout = integer("timeout", { short: "t", about: "Seconds to wait before killing the container" });
/** The older name. */
const time = integer("time", { short: "t", deprecated: "use --timeout instead" });

export const stopFlags = [signalName, timeout, time];

/** As the API's query. Throws an Error in Docker's words. */
export function stopOptions({ option, isGiven }: Call): { readonly signal?: string; readonly t?: number } {
  if (isGiven(time) && isGiven(timeout))
    throw new Error("conflicting options: cannot specify both --timeout and --time");
  const seconds = option(timeout) ?? option(time);
  const name = option(signalName);
  return { ...(name === "" ? {} : { signal: name }), ...(seconds === undefined ? {} : { t: seconds }) };
}
