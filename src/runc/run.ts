import { type Given, isOn } from "./command-line.ts";
import { type Created, createContainer, type Deps } from "./create.ts";
import { deleteContainer } from "./delete.ts";
import { startFailure } from "./failures.ts";
import { runPoststartHooks } from "./hooks.ts";
import { relayReadiness } from "./notify.ts";

export async function runCommand(deps: Deps, given: Given, id: string): Promise<number> {
  const foreground = !isOn(given, "detach");
  const created = await createContainer(deps, given, { id, foreground, separateStart: false });
  const ready = await startProgram(deps, created, foreground);
  if (!foreground) {
    await ready();
    return 0;
  }
  const code = await created.child.wait();
  if (!isOn(given, "keep")) await deleteContainer(deps, created.state);
  return code;
}

/** The result resolves when the container has said that it is ready, if it is to. */
async function startProgram(
  deps: Deps,
  { state, child }: Created,
  stays: boolean,
): Promise<() => Promise<void>> {
  try {
    const ready = await relayReadiness(deps, state, { stays });
    child.go();
    await child.executed;
    await runPoststartHooks(deps, state);
    return ready;
  } catch (error) {
    await deleteContainer(deps, state);
    throw startFailure(error, state.spec.process?.args?.[0] ?? "");
  }
}
