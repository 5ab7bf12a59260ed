// `runtimes` of daemon.json and --add-runtime: OCI runtimes of the machine, by name.

import { array, DecodeError, object, record, string, unknown } from "#base/decode.ts";
import { invalid, unsupported } from "#base/errors.ts";

export interface RuntimeProgram {
  readonly path: string;
  readonly runtimeArgs: readonly string[];
}

export type RuntimePrograms = Readonly<Record<string, RuntimeProgram>>;

const decode = record(
  object({}, { path: string, runtimeArgs: array(string), runtimeType: string, options: unknown }),
);

/** Names that mean something without configuration. */
const reserved = ["runc", "gantry", "lxc", "chroot", "io.containerd.runc.v2"];

/** `value`: name to definition, or to a path as the flag gives it. Throws `invalid`. */
export function decodeRuntimes(value: unknown): RuntimePrograms {
  try {
    return Object.fromEntries(
      Object.entries(decode(value, "runtimes")).map(([name, given]) => [name, checkRuntime(name, given)]),
    );
  } catch (error) {
    if (error instanceof DecodeError) throw invalid(error.message, { cause: error });
    throw error;
  }
}

function checkRuntime(name: string, given: ReturnType<typeof decode>[string]): RuntimeProgram {
  const { path = "", runtimeArgs = [], runtimeType, options } = given;
  if (reserved.includes(name)) throw invalid(`runtime name '${name}' is reserved`);
  if (runtimeType !== undefined || options !== undefined) throw unsupported(`runtimeType of runtime ${name}`);
  if (path === "") throw invalid(`runtime '${name}' has no path`);
  return { path, runtimeArgs };
}
