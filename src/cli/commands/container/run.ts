import type { Engine } from "#client/engine.ts";
import type { ContainerCreateRequest } from "#spec/engine-api/definitions.table.ts";
import { startAttached } from "../../attached-start.ts";
import { ANY, type Call, type Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";
import { toggle } from "../../grammar/flags.ts";
import { OPTIONS, optionFlags } from "../../run-options/flags.ts";
import { startFailure } from "../../start-failure.ts";
import { detachKeysFlag } from "../../terminal/detach-flag.ts";
import { checkTerminal, windowSize } from "../../terminal/raw-mode.ts";
import { createContainer, describeContainer } from "./create.ts";

const detach = toggle("detach", {
  short: "d",
  about: "Run container in background and print container ID",
});
const sigProxy = toggle("sig-proxy", { shown: "true", about: "Proxy received signals to the process" });

async function runDetached(call: Call, engine: Engine, id: string): Promise<void> {
  await engine.containers.start(id, {}, call.signal);
  call.session.out(`${id}\n`);
}

/** Returns the exit code; 0 when the user detached. */
async function runAttached(
  call: Call,
  engine: Engine,
  id: string,
  request: ContainerCreateRequest,
): Promise<number> {
  const exit = await startAttached(call, engine, {
    id,
    tty: request.Tty ?? false,
    stdin: request.AttachStdin ?? false,
    stdout: request.AttachStdout ?? false,
    stderr: request.AttachStderr ?? false,
    autoRemove: request.HostConfig?.AutoRemove === true,
    proxiesSignals: call.option(sigProxy),
  });
  const failure = exit?.Error?.Message ?? "";
  if (failure !== "") call.session.err(`${failure}\n`);
  return exit?.StatusCode ?? 0;
}

function checkConflicts({ option }: Call): void {
  if (option(detach) && option(OPTIONS.attach).length > 0)
    throw new Error("conflicting options: cannot specify both --attach and --detach");
}

async function run(call: Call): Promise<number> {
  const { session, option, signal } = call;
  const detached = option(detach);
  const described = describeContainer(call, "run", detached);
  const size = described.Tty === true ? windowSize(session) : undefined;
  const request: ContainerCreateRequest =
    size === undefined
      ? described
      : { ...described, HostConfig: { ...described.HostConfig, ConsoleSize: [size.h, size.w] } };
  const id = await createContainer(call, request);
  const engine = await session.engine(signal);
  const attached = request.AttachStdin || request.AttachStdout || request.AttachStderr;
  if (!detached && attached) return await runAttached(call, engine, id, request);
  await runDetached(call, engine, id);
  return 0;
}

export const command: Command = {
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  about: "Create and run a new container from an image",
  takes: [1, ANY],
  passThrough: true,
  flags: [...optionFlags, detach, detachKeysFlag, sigProxy],
  run: async (call) => {
    const { session, option } = call;
    checkConflicts(call);
    if (!option(detach))
      checkTerminal(session, { tty: option(OPTIONS.tty), stdin: option(OPTIONS.interactive) });
    let code: number;
    try {
      code = await run(call);
    } catch (error) {
      throw startFailure(error, "run");
    }
    if (code !== 0) throw new ExitError(code);
  },
};
