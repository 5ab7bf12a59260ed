// The resident of the runc-compatible command line: started by its first command, it serves those that follow.
//   bin/gantry-runc [--root DIR] create|start|run|exec|kill|delete|list|state|spec|plan ...

import { readHostFacts } from "#libcontainer/host-facts.ts";
import { runProgram } from "#runc/program.ts";
import type { Command } from "#runc/resident/connection.ts";
import { openRuntime } from "#runc/runtime.ts";
import { currentRelease } from "./daemon/release.ts";
import { reside } from "./reside.ts";

const { version, gitCommit: commit } = currentRelease();

const known = { text: "", mounts: [] };
const serve = ({ client: caller, words, signal }: Command): Promise<number> => {
  const runtime = openRuntime(readHostFacts(caller.pid, known));
  return runProgram({ version, commit, caller, runtime, signal }, words);
};

reside({ name: "gantry-runc", linger: process.env.GANTRY_RUNC_LINGER, serve });
