import type { Command } from "../../grammar/command.ts";
import { ExitError } from "../../grammar/errors.ts";
import { toggle } from "../../grammar/flags.ts";
import { detachKeysFlag, detachOption } from "../../terminal/detach-flag.ts";
import { checkTerminal, followWindowSize, provokeRedraw, type WindowSize } from "../../terminal/raw-mode.ts";
import { proxySignals } from "../../terminal/signal-proxy.ts";
import { carryStreams } from "../../terminal/streams.ts";

const noStdin = toggle("no-stdin", { about: "Do not attach STDIN" });
const sigProxy = toggle("sig-proxy", { shown: "true", about: "Proxy all received signals to the process" });

function checkState(state: {
  readonly Running?: boolean;
  readonly Paused?: boolean;
  readonly Restarting?: boolean;
}): void {
  if (state.Running !== true) throw new Error("You cannot attach to a stopped container, start it first");
  if (state.Paused === true) throw new Error("You cannot attach to a paused container, unpause it first");
  if (state.Restarting === true)
    throw new Error("You cannot attach to a restarting container, wait until it is running");
}

export const command: Command = {
  usage: "[OPTIONS] CONTAINER",
  about: "Attach local standard input, output, and error streams to a running container",
  takes: [1, 1],
  flags: [detachKeysFlag, noStdin, sigProxy],
  run: async (call) => {
    const {
      session,
      arguments: [name = ""],
      option,
      signal,
    } = call;
    const engine = await session.engine(signal);
    const { Id: id = name, State, Config } = await engine.containers.inspect(name, signal);
    checkState(State ?? {});
    const tty = Config?.Tty ?? false;
    const stdin = !option(noStdin) && (Config?.OpenStdin ?? false);
    checkTerminal(session, { tty, stdin });
    const detach = detachOption(call);
    using scope = new DisposableStack();
    const { exit } = await engine.containers.wait(id, "not-running", signal);
    const hijacked = await engine.containers.attach(
      id,
      { stdin, stdout: true, stderr: true, ...detach },
      signal,
    );
    scope.defer(() => hijacked.socket.destroy());
    const resize = (size: WindowSize): Promise<void> => engine.containers.resize(id, size, signal);
    if (tty) {
      await provokeRedraw(session, resize);
      scope.use(followWindowSize(session, resize, signal));
    }
    if (option(sigProxy) && !tty)
      scope.use(
        proxySignals(session, (signalName) => engine.containers.kill(id, signalName.slice(3), signal)),
      );
    if ((await carryStreams(hijacked, { tty, stdin, ...detach }, session)) === "detached")
      throw new ExitError(1, "read escape sequence");
    const { StatusCode, Error: failure } = await exit;
    if (failure?.Message !== undefined && failure.Message !== "") throw new Error(failure.Message);
    if (StatusCode !== 0) throw new ExitError(StatusCode);
  },
};
