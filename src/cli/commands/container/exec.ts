import type { Engine } from "#client/engine.ts";
import type { ContainerExecRequest } from "#spec/engine-api/definitions.table.ts";
import { ANY, type Call, type Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";
import { list, listOf, text, toggle } from "../../grammar/flags.ts";
import { checkVariable, collectVariables } from "../../run-options/environment.ts";
import { detachKeysFlag, detachOption } from "../../terminal/detach-flag.ts";
import { checkTerminal, followWindowSize, windowSize } from "../../terminal/raw-mode.ts";
import { carryStreams } from "../../terminal/streams.ts";

const detach = toggle("detach", { short: "d", about: "Detached mode: run command in the background" });
const env = listOf("env", { short: "e", about: "Set environment variables" }, checkVariable);
const envFile = list("env-file", { about: "Read in a file of environment variables" });
const interactive = toggle("interactive", { short: "i", about: "Keep STDIN open even if not attached" });
const privileged = toggle("privileged", { about: "Give extended privileges to the command" });
const tty = toggle("tty", { short: "t", about: "Allocate a pseudo-TTY" });
const user = text("user", { short: "u", about: "Username or UID (format: <name|uid>[:<group|gid>])" });
const workdir = text("workdir", { short: "w", about: "Working directory inside the container" });

function execRequest(call: Call): ContainerExecRequest {
  const {
    session,
    arguments: [, ...words],
    option,
  } = call;
  const { detachKeys } = detachOption(call);
  const attached = !option(detach);
  const size = option(tty) ? windowSize(session) : undefined;
  const variables = collectVariables(option(envFile), option(env), session.surroundings.env);
  return {
    AttachStdin: attached && option(interactive),
    AttachStdout: attached,
    AttachStderr: attached,
    Tty: option(tty),
    Cmd: words,
    Privileged: option(privileged),
    ...(variables.length === 0 ? {} : { Env: variables }),
    ...(option(user) === "" ? {} : { User: option(user) }),
    ...(option(workdir) === "" ? {} : { WorkingDir: option(workdir) }),
    ...(detachKeys === undefined ? {} : { DetachKeys: detachKeys }),
    ...(size === undefined ? {} : { ConsoleSize: [size.h, size.w] }),
  };
}

async function runAttached(call: Call, engine: Engine, id: string): Promise<void> {
  const { session, option, signal } = call;
  const size = option(tty) ? windowSize(session) : undefined;
  const hijacked = await engine.execs.start(
    id,
    { tty: option(tty), ...(size === undefined ? {} : { size: [size.h, size.w] }) },
    signal,
  );
  using scope = new DisposableStack();
  if (option(tty))
    scope.use(followWindowSize(session, (now) => engine.execs.resize(id, now, signal), signal));
  const options = { tty: option(tty), stdin: option(interactive), ...detachOption(call) };
  if ((await carryStreams(hijacked, options, session)) === "detached") return;
  const { ExitCode } = await engine.execs.inspect(id, signal);
  if (ExitCode !== undefined && ExitCode !== null && ExitCode !== 0) throw new ExitError(ExitCode);
}

export const command: Command = {
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  about: "Execute a command in a running container",
  takes: [2, ANY],
  passThrough: true,
  flags: [detach, detachKeysFlag, env, envFile, interactive, privileged, tty, user, workdir],
  run: async (call) => {
    const {
      session,
      arguments: [container = ""],
      option,
      signal,
    } = call;
    if (!option(detach)) checkTerminal(session, { tty: option(tty), stdin: option(interactive) });
    const request = execRequest(call);
    const engine = await session.engine(signal);
    const id = await engine.execs.create(container, request, signal);
    if (id === "") throw new Error("exec ID empty");
    if (option(detach)) return await engine.execs.startDetached(id, option(tty), signal);
    await runAttached(call, engine, id);
  },
};
