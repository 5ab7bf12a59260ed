import type { Engine } from "#client/engine.ts";
import { startAttached } from "../../attached-start.ts";
import { forEachName } from "../../each.ts";
import { ANY, type Call, type Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";
import { toggle, unsupportedFlags } from "../../grammar/flags.ts";
import { detachKeysFlag } from "../../terminal/detach-flag.ts";
import { checkTerminal } from "../../terminal/raw-mode.ts";

const attach = toggle("attach", { short: "a", about: "Attach STDOUT/STDERR and forward signals" });
const interactive = toggle("interactive", { short: "i", about: "Attach container's STDIN" });

async function startOne(call: Call, engine: Engine, name: string): Promise<void> {
  const { session, option, signal } = call;
  const { Id: id = name, Config, HostConfig, State } = await engine.containers.inspect(name, signal);
  if (State?.Running === true) throw new ExitError(1, "you cannot attach to a running container, use attach");
  const tty = Config?.Tty ?? false;
  const stdin = option(interactive) && (Config?.OpenStdin ?? false);
  checkTerminal(session, { tty, stdin });
  const exit = await startAttached(call, engine, {
    id,
    tty,
    stdin,
    stdout: true,
    stderr: true,
    autoRemove: HostConfig?.AutoRemove === true,
    proxiesSignals: true,
  });
  if (exit !== undefined && exit.StatusCode !== 0) throw new ExitError(exit.StatusCode);
}

export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Start one or more stopped containers",
  takes: [1, ANY],
  flags: [attach, detachKeysFlag, interactive, ...unsupportedFlags("checkpoint", "checkpoint-dir")],
  run: async (call) => {
    if (!call.option(attach) && !call.option(interactive)) return await forEachStart(call);
    const [name = "", ...others] = call.arguments;
    if (others.length > 0) throw new ExitError(1, "you cannot start and attach multiple containers at once");
    await startOne(call, await call.session.engine(call.signal), name);
  },
};

const startsFailed = (error: ExitError, names: readonly string[]): ExitError =>
  new ExitError(1, `${error.message}\nError: failed to start containers: ${names.join(", ")}`, {
    cause: error,
  });

async function forEachStart(call: Call): Promise<void> {
  const failed: string[] = [];
  try {
    await forEachName(call, async (engine, name) => {
      try {
        await engine.containers.start(name, {}, call.signal);
      } catch (error) {
        failed.push(name);
        throw error;
      }
      return name;
    });
  } catch (error) {
    throw error instanceof ExitError ? startsFailed(error, failed) : error;
  }
}
