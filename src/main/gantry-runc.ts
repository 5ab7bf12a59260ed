// The runc-compatible command line:
//   gantry-runc [--root DIR] create|start|run|exec|kill|delete|list|state|spec|plan ...
// A zygote is started for the command that makes a container; the container's shim outlives both.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { notFound } from "#base/errors.ts";
import { cgroupPaths } from "#kernel/cgroups/paths.ts";
import { readCgroupPids } from "#kernel/cgroups/processes.ts";
import { connectExecutor } from "#kernel/zygote/connect.ts";
import { startZygote } from "#kernel/zygote/zygote.ts";
import { type HostFacts, readHostFacts } from "#libcontainer/host-facts.ts";
import { ownCaller } from "#runc/own-caller.ts";
import { runProgram } from "#runc/program.ts";
import type { ContainerPlace, Runtime } from "#runc/runtime.ts";
import type { ProcessExit, Shim, Shims } from "#shim/shim.ts";
import { currentRelease } from "./daemon/release.ts";
import { explainPlan } from "./explain-plan.ts";
import { nativeProgram } from "./native-program.ts";
import { createNativeShims } from "./native-shims.ts";

type Warn = (message: string) => void;

function openRuntime(_root: string, warn: Warn): Runtime {
  const host = readHostFacts();
  const shims = shimsAt(host, "", warn);
  return {
    create: async (place, io, signal) => {
      await using zygote: Zygote = await openZygote();
      return await shimsAt(host, zygote.socket, warn).create({ ...place, rootfs: [], io }, signal);
    },
    find: async (place, signal) => {
      const known: { readonly found: Shim | ProcessExit } = { found: await shims.adopt(place, signal) };
      if ("exitCode" in known.found) throw notFound("container process", place.id);
      return known.found;
    },
    clean: ({ id, stateDir, spec }) => shims.clean(id, stateDir, spec),
    cgroups: (place) => cgroupsOf(host, place),
    pids: (place) => readCgroupPids(cgroupsOf(host, place)),
    explain: (place) =>
      explainPlan(host)({ ...place, rootfs: [], io: { kind: "null" } }).map(
        ({ index, call, why }) => `${String(index).padStart(3)}  ${call}  # ${why}`,
      ),
  };
}

const cgroupsOf = ({ cgroups }: HostFacts, { id, spec }: ContainerPlace) =>
  cgroupPaths(cgroups, spec.linux?.cgroupsPath || `/${id}`);

const shimsAt = (host: HostFacts, socketPath: string, warn: Warn): Shims =>
  createNativeShims({ executor: connectExecutor(socketPath), socketPath, host, warn });

interface Zygote extends AsyncDisposable {
  readonly socket: string;
}

async function openZygote(): Promise<Zygote> {
  const directory = mkdtempSync(join(tmpdir(), "gantry-runc-"));
  const socket = join(directory, "zygote.sock");
  const executor = await startZygote({ binary: nativeProgram(), socket });
  return {
    socket,
    [Symbol.asyncDispose]: async () => {
      await executor[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const signal = new AbortController().signal;

const { version, gitCommit: commit } = currentRelease();

void runProgram({ version, commit, caller: ownCaller(), openRuntime, signal }, process.argv.slice(2)).then(
  (code) => process.exit(code),
);
