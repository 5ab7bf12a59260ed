import assert from "node:assert/strict";
import { test } from "node:test";
import { openFakeContainers } from "../testing/fake-containers.ts";
import { pauseContainer } from "./pause.ts";
import { restoreContainers } from "./restore.ts";
import { startContainer } from "./start.ts";

test("a container that lives on keeps its volumes' devices mounted", async (t) => {
  const { deps, create, tasks, log } = openFakeContainers(t);
  const container = await create({ Volumes: { "/data": {} } });
  await startContainer(deps, container, t.signal);
  tasks.listed = [{ containerId: container.id, status: "running" }];
  log.length = 0;
  await restoreContainers(deps);
  assert.deepEqual(log, ["restore networks", "adopt v1"]);
  assert.equal(container.state.status, "running");
});

test("of a container that ended unseen, the exit is recorded and what it held given back", async (t) => {
  const { deps, create, tasks, log } = openFakeContainers(t);
  const container = await create({ Volumes: { "/data": {} } });
  await startContainer(deps, container, t.signal);
  tasks.listed = [{ containerId: container.id, status: "stopped", exitCode: 4, exitedAt: 1_700_000_000_500 }];
  log.length = 0;
  await restoreContainers(deps);
  assert.deepEqual([container.state.status, container.state.exitCode], ["exited", 4]);
  assert.equal(container.state.finishedAt, "2023-11-14T22:13:20.5Z");
  assert.ok(log.includes("detach") && log.includes("unmount v1"));
});

test("a container that the last daemon had paused for a commit goes on, one that its user paused does not", async (t) => {
  const { deps, create, tasks } = openFakeContainers(t);
  for (const briefly of [true, false]) {
    const container = await create({});
    await startContainer(deps, container, t.signal);
    await pauseContainer(deps, container.id, briefly);
    tasks.listed = [{ containerId: container.id, status: "paused" }];
    await restoreContainers(deps);
    assert.equal(container.state.status, briefly ? "running" : "paused");
    assert.equal(tasks.calls.includes("resume"), briefly);
    tasks.calls.length = 0;
    deps.containers.delete(container);
  }
});
