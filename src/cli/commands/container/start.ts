import type { Engine } from "#client/engine.ts";
import { type StartTarget, startAttached } from "../../attached-start.ts";
import { forEachName } from "../../each.ts";
import { checkpointDirFlag, requireExperimental } from "../../experimental.ts";
import { ANY, type Call, type Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";
import { text, toggle } from "../../grammar/flags.ts";
import { detachKeysFlag } from "../../terminal/detach-flag.ts";
import { checkTerminal } from "../../terminal/raw-mode.ts";

const attach = toggle("attach", { short: "a", about: "Attach STDOUT/STDERR and forward signals" });
const interactive = toggle("interactive", { short: "i", about: "Attach container's STDIN" });

const checkpoint = text("checkpoint", { about: "Restore from this checkpoint" });

/** A flag that a daemon without --experimental does not know is refused before anything is asked of it. */
async function readFrom({ option, signal }: Call, engine: Engine): Promise<StartTarget["from"]> {
  for (const flag of [checkpoint, checkpointDirFlag])
    if (option(flag) !== "") await requireExperimental(engine, `"--${flag.name}"`, signal);
  if (option(checkpoint) === "") return undefined;
  return { checkpoint: option(checkpoint), "checkpoint-dir": option(checkpointDirFlag) };
}

async function startOne(call: Call, engine: Engine, name: string, from: StartTarget["from"]): Promise<void> {
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
    ...(from && { from }),
  });
  if (exit !== undefined && exit.StatusCode !== 0) throw new ExitError(exit.StatusCode);
}

export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Start one or more stopped containers",
  takes: [1, ANY],
  flags: [attach, checkpoint, checkpointDirFlag, detachKeysFlag, interactive],
  run: async (call) => {
    const engine = await call.session.engine(call.signal);
    const from = await readFrom(call, engine);
    const attached = call.option(attach) || call.option(interactive);
    const [name = "", ...others] = call.arguments;
    if (!attached && from === undefined) return await forEachStart(call);
    if (others.length > 0)
      throw new ExitError(
        1,
        attached
          ? "you cannot start and attach multiple containers at once"
          : "you cannot restore multiple containers at once",
      );
    if (attached) await startOne(call, engine, name, from);
    else await engine.containers.start(name, from ?? {}, call.signal);
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
