// An OCI runtime that is a program of the machine (runc, crun, youki), configured by name: it gets a bundle and stays in the foreground,
// parent of the container, with the container's streams.

import { posix } from "node:path";
import { planUntraceable } from "#libcontainer/compile.ts";
import {
  type DriverPlan,
  type DriverRequest,
  planFile,
  planForeignProgram,
  planMachineStreams,
  planOwnMounts,
  processOf,
  rootPathOf,
} from "./foreign-program.ts";

export interface RuntimeBinary {
  readonly path: string;
  readonly runtimeArgs: readonly string[];
}

/** Written when the container is made, before its program is started. */
export const pidFileOf = ({ stateDir }: Pick<DriverRequest, "stateDir">): string =>
  posix.join(stateDir, "container.pid");

export function compileBinary(request: DriverRequest, { path, runtimeArgs }: RuntimeBinary): DriverPlan {
  const { id, stateDir, spec } = request;
  const process = processOf(spec);
  const bundle = posix.join(stateDir, "bundle");
  // What runtimes of any age know: newer properties are their own to refuse.
  const config = { ...spec, ociVersion: "1.0.2", root: { ...spec.root, path: rootPathOf(request) } };
  return {
    plan: [
      planUntraceable,
      ...planOwnMounts(request),
      { op: "mkdir", why: "bundle", path: bundle, mode: 0o700 },
      planFile("config.json", posix.join(bundle, "config.json"), JSON.stringify(config)),
      ...planMachineStreams(process),
      ...planForeignProgram(path, [
        ...runtimeArgs,
        ...[
          "--root",
          posix.join(stateDir, "runtime"),
          "run",
          "--bundle",
          bundle,
          "--pid-file",
          pidFileOf(request),
          id,
        ],
      ]),
    ],
    undo: [],
    warnings: [],
  };
}
