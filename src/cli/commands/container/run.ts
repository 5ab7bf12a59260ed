import type { Engine } from "#client/engine.ts";
import type { ContainerCreateRequest } from "#spec/engine-api/definitions.table.ts";
import { ANY, type Call, type Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";
import { optionalText, toggle } from "../../grammar/flags.ts";
import { OPTIONS, optionFlags } from "../../run-options/flags.ts";
import { startFailure } from "../../start-failure.ts";
import { checkTerminal, followWindowSize, windowSize } from "../../terminal/raw-mode.ts";
import { proxySignals } from "../../terminal/signal-proxy.ts";
import { carryStreams } from "../../terminal/streams.ts";
import { createContainer, describeContainer } from "./create.ts";

const detach = toggle("detach", {
  short: "d",
  about: "Run container in background and print container ID",
});
const detachKeys = optionalText("detach-keys", {
  about: "Override the key sequence for detaching a container",
});
const sigProxy = toggle("sig-proxy", { shown: "true", about: "Proxy received signals to the process" });

async function runDetached(call: Call, engine: Engine, id: string): Promise<void> {
  await engine.containers.start(id, {}, call.signal);
  call.session.out(`${id}\n`);
}

/** Attached from before the start, so that no output is missed. Returns the exit code; 0 when the user detached. */
async function runAttached(
  call: Call,
  engine: Engine,
  id: string,
  request: ContainerCreateRequest,
): Promise<number> {
  const { session, option, signal } = call;
  const tty = request.Tty ?? false;
  const keys = option(detachKeys) ?? session.settings.detachKeys;
  const stdin = request.AttachStdin ?? false;
  const hijacked = await engine.containers.attach(
    id,
    {
      stdin,
      stdout: request.AttachStdout ?? false,
      stderr: request.AttachStderr ?? false,
      ...(keys === undefined ? {} : { detachKeys: keys }),
    },
    signal,
  );
  using scope = new DisposableStack();
  scope.defer(() => hijacked.socket.destroy());
  const condition = request.HostConfig?.AutoRemove === true ? "removed" : "next-exit";
  const { exit } = await engine.containers.wait(id, condition, signal);
  const options = { tty, stdin, ...(keys === undefined ? {} : { detachKeys: keys }) };
  const streams = carryStreams(hijacked, options, session);
  streams.catch(() => undefined); // awaited below, after the start
  await engine.containers.start(id, {}, signal);
  if (tty) scope.use(followWindowSize(session, (size) => engine.containers.resize(id, size, signal), signal));
  else if (option(sigProxy))
    scope.use(proxySignals(session, (name) => engine.containers.kill(id, name.slice(3), signal)));
  if ((await streams) === "detached") return 0;
  const { StatusCode, Error: failure } = await exit;
  if (failure?.Message !== undefined && failure.Message !== "") session.err(`${failure.Message}\n`);
  return StatusCode;
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
  flags: [...optionFlags, detach, detachKeys, sigProxy],
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
