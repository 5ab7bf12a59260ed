import type { Engine } from "#client/engine.ts";
import { forEachName } from "../../each.ts";
import { ANY, type Call, type Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";
import { optionalText, toggle, unsupportedFlags } from "../../grammar/flags.ts";
import { checkTerminal, followWindowSize } from "../../terminal/raw-mode.ts";
import { proxySignals } from "../../terminal/signal-proxy.ts";
import { carryStreams } from "../../terminal/streams.ts";

const attach = toggle("attach", { short: "a", about: "Attach STDOUT/STDERR and forward signals" });
const detachKeys = optionalText("detach-keys", {
  about: "Override the key sequence for detaching a container",
});
const interactive = toggle("interactive", { short: "i", about: "Attach container's STDIN" });

async function startAttached(call: Call, engine: Engine, name: string): Promise<void> {
  const { session, option, signal } = call;
  const { Id: id = name, Config, HostConfig, State } = await engine.containers.inspect(name, signal);
  if (State?.Running === true) throw new ExitError(1, "you cannot attach to a running container, use attach");
  const tty = Config?.Tty ?? false;
  const stdin = option(interactive) && (Config?.OpenStdin ?? false);
  checkTerminal(session, { tty, stdin });
  const keys = option(detachKeys) ?? session.settings.detachKeys;
  const detach = keys === undefined ? {} : { detachKeys: keys };
  using scope = new DisposableStack();
  const hijacked = await engine.containers.attach(
    id,
    { stdin, stdout: true, stderr: true, ...detach },
    signal,
  );
  scope.defer(() => hijacked.socket.destroy());
  const condition = HostConfig?.AutoRemove === true ? "removed" : "next-exit";
  const { exit } = await engine.containers.wait(id, condition, signal);
  const streams = carryStreams(hijacked, { tty, stdin, ...detach }, session);
  streams.catch(() => undefined); // awaited below, after the start
  await engine.containers.start(id, {}, signal);
  if (tty) scope.use(followWindowSize(session, (size) => engine.containers.resize(id, size, signal), signal));
  else
    scope.use(proxySignals(session, (signalName) => engine.containers.kill(id, signalName.slice(3), signal)));
  if ((await streams) === "detached") return;
  const { StatusCode } = await exit;
  if (StatusCode !== 0) throw new ExitError(StatusCode);
}

export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Start one or more stopped containers",
  takes: [1, ANY],
  flags: [attach, detachKeys, interactive, ...unsupportedFlags("checkpoint", "checkpoint-dir")],
  run: async (call) => {
    if (!call.option(attach) && !call.option(interactive)) return await forEachStart(call);
    const [name = "", ...others] = call.arguments;
    if (others.length > 0) throw new ExitError(1, "you cannot start and attach multiple containers at once");
    await startAttached(call, await call.session.engine(call.signal), name);
  },
};

const startsFailed = (error: ExitError, names: readonly string[]): ExitError =>
  new ExitError(1, `${error.message}\nError: failed to start containers: ${names.join(", ")}`, {
    cause: error,
  });

async function forEachStart(call: Call): Promise<void> {
  try {
    await forEachName(call, async (engine, name) => {
      await engine.containers.start(name, {}, call.signal);
      return name;
    });
  } catch (error) {
    throw error instanceof ExitError ? startsFailed(error, call.arguments) : error;
  }
}
