// The resident of the runc-compatible command line: started by its first command, it serves those that follow.
//   bin/gantry-runc [--root DIR] create|start|run|exec|kill|delete|list|state|spec|plan ...

import { writeSync } from "node:fs";
import { readHostFacts } from "#libcontainer/host-facts.ts";
import { runProgram } from "#runc/program.ts";
import type { Command } from "#runc/resident/connection.ts";
import { serveResident } from "#runc/resident/serve.ts";
import { settle } from "#runc/resident/settle.ts";
import { openRuntime } from "#runc/runtime.ts";
import { currentRelease } from "./daemon/release.ts";

const LINGER_SECONDS = 60;

const { version, gitCommit: commit } = currentRelease();

async function reside(socketPath: string): Promise<void> {
  const known = { text: "", mounts: [] };
  const serve = ({ client: caller, words, signal }: Command): Promise<number> => {
    const runtime = openRuntime(readHostFacts(caller.pid, known));
    return runProgram({ version, commit, caller, runtime, signal }, words);
  };
  const linger = Number(process.env.GANTRY_RUNC_LINGER ?? LINGER_SECONDS) * 1000;
  const ready = (): void => {
    writeSync(1, "\0");
    settle();
  };
  await serveResident({ socketPath, linger, serve, ready });
}

const socketPath = process.env.GANTRY_RUNC_RESIDENT;
if (socketPath === undefined) {
  process.stderr.write("gantry-runc: this is its resident part; run bin/gantry-runc\n");
  process.exitCode = 1;
} else {
  void reside(socketPath).then(() => process.exit(0));
}
