// How a resident's program begins and ends.

import { writeSync } from "node:fs";
import { type ResidentOptions, serveResident } from "#runc/resident/serve.ts";
import { settle } from "#runc/resident/settle.ts";

export interface ResidentProgram {
  /** Its launcher in bin/, which sets GANTRY_RUNC_RESIDENT to the socket's path. */
  readonly name: string;
  /** What the environment says of the time it stays without a command, in seconds. */
  readonly linger: string | undefined;
  readonly serve: ResidentOptions["serve"];
}

const LINGER_SECONDS = 60;

/** Serves until no command has come for a while, then ends the process. The launcher waits for a byte on standard output. */
export function reside({ name, linger, serve }: ResidentProgram): void {
  const socketPath = process.env.GANTRY_RUNC_RESIDENT;
  if (socketPath === undefined) {
    process.stderr.write(`${name}: this is its resident part; run bin/${name}\n`);
    process.exitCode = 1;
    return;
  }
  const ready = (): void => {
    writeSync(1, "\0");
    settle();
  };
  const patience = Number(linger ?? LINGER_SECONDS) * 1000;
  void serveResident({ socketPath, linger: patience, serve, ready }).then(() => process.exit(0));
}
