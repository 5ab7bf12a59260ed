import { type Given, isOn } from "./command-line.ts";
import { type Created, createContainer, type Deps } from "./create.ts";
import { deleteContainer } from "./delete.ts";
import { startFailure } from "./failures.ts";
import { runPoststartHooks } from "./hooks.ts";

export async function runCommand(deps: Deps, given: Given, id: string): Promise<number> {
  const foreground = !isOn(given, "detach");
  const created = await createContainer(deps, given, { id, foreground, separateStart: false });
  await startProgram(deps, created);
  if (!foreground) return 0;
  const code = await created.child.wait();
  if (!isOn(given, "keep")) await deleteContainer(deps, created.state);
  return code;
}

async function startProgram(deps: Deps, { state, child }: Created): Promise<void> {
  try {
    child.go();
    await child.executed;
    await runPoststartHooks(deps, state);
  } catch (error) {
    await deleteContainer(deps, state);
    throw startFailure(error, state.spec.process?.args?.[0] ?? "");
  }
}
