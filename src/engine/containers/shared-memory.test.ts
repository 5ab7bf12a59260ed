import assert from "node:assert/strict";
import { test } from "node:test";
import { openFakeContainers } from "../testing/fake-containers.ts";
import { planIpc } from "./shared-memory.ts";
import { startContainer } from "./start.ts";

const id = "j".repeat(64);
const join = (target: string) => ({ id, hostConfig: { IpcMode: target } });

for (const [mode, message] of [
  [
    "private",
    /^failed to join IPC namespace: container \w+: non-shareable IPC \(hint: use IpcMode:shareable/,
  ],
  ["none", /non-shareable IPC/],
] as const)
  test(`memory of a container with --ipc ${mode} is not shared`, async (t) => {
    const { deps, create } = openFakeContainers(t);
    const donor = await create({ HostConfig: { IpcMode: mode } });
    await startContainer(deps, donor, t.signal);
    assert.throws(() => planIpc(deps.containers, join("container:web"), "/c"), { kind: "invalid", message });
  });

test("who joins a container that has joined another gets what that one has", async (t) => {
  const { deps, create } = openFakeContainers(t);
  const donor = await create({ HostConfig: { IpcMode: "shareable" } });
  assert.throws(() => planIpc(deps.containers, join("container:web"), "/c"), /is not running$/);
  await startContainer(deps, donor, t.signal);
  assert.deepEqual(planIpc(deps.containers, join("container:web"), "/c"), {
    namespace: `/proc/${donor.state.pid}/ns/ipc`,
    sharedMemory: `/c/${donor.id}/mounts/shm`,
  });
  assert.throws(() => planIpc(deps.containers, join("container:nosuch"), "/c"), /No such container: nosuch/);
});
