import { type Given, isOn } from "./command-line.ts";
import { type Created, createContainer, type Deps } from "./create.ts";
import { deleteContainer } from "./delete.ts";
import { forwardSignals } from "./signals.ts";
import { startContainer } from "./start.ts";
import { attachedStreams, detachedStreams, joinStreams, openTerminal } from "./streams.ts";

export async function runCommand(deps: Deps, given: Given, id: string): Promise<number> {
  const detached = isOn(given, "detach");
  const created = await createContainer(deps, given, id, detached ? detachedStreams : attachedStreams);
  await using supervisor = created.supervisor;
  try {
    if (!detached) return await runAttached(deps, created);
    await startContainer(deps, created.state, supervisor);
    return 0;
  } catch (error) {
    await deleteContainer(deps, created.state, true);
    throw error;
  } finally {
    if (!detached && !isOn(given, "keep")) await deleteContainer(deps, created.state, true);
  }
}

async function runAttached(deps: Deps, { state, supervisor }: Created): Promise<number> {
  const process = { supervisor, execId: "", terminal: state.spec.process?.terminal === true };
  const { written } = await joinStreams(process, deps.signal);
  using _terminal = openTerminal(process);
  using _signals = forwardSignals(supervisor, "");
  await startContainer(deps, state, supervisor);
  const { exitCode } = await supervisor.wait("", deps.signal);
  await written;
  return exitCode;
}
