// Work for a daemon with networks, volumes and published ports, each step written down when it is acknowledged. It goes on until the daemon is gone.

import assert from "node:assert/strict";
import type { Api } from "../system/api.ts";
import { type Entry, newEntry } from "./ledger.ts";
import { isGone, step } from "./load.ts";
import type { Chance } from "./seed.ts";

/** What is made and removed by its name. */
interface Thing {
  readonly kind: "networks" | "volumes";
  readonly name: string;
  /** As it was acknowledged last; undefined while a change of it is not. */
  isThere?: boolean | undefined;
}

/** A container with a port of the host's, on a network of its own and, at times, on the default bridge, too. */
export interface Household {
  readonly network: Thing;
  readonly volume: Thing;
  readonly container: Entry;
  /** It is on the default bridge, as it was acknowledged last; undefined while a change of it is not. */
  onBridge?: boolean | undefined;
}

interface Work {
  readonly api: Api;
  readonly chance: Chance;
  readonly ledger: Household[];
}

async function change(thing: Thing, isThere: boolean, act: () => Promise<unknown>): Promise<void> {
  thing.isThere = undefined;
  await act();
  thing.isThere = isThere;
}

async function live({ api, chance }: Work, household: Household): Promise<void> {
  const { network, volume, container } = household;
  const { name } = container;
  const create = { Name: name, EnableIPv6: chance.pick(3) === 0, Internal: chance.pick(4) === 0 };
  await change(network, true, () => api.ask("POST", "/networks/create", create));
  await change(volume, true, () => api.ask("POST", "/volumes/create", { Name: name }));
  const config = {
    ...{ Image: "busybox", Cmd: ["sleep", "9999"] },
    HostConfig: { NetworkMode: name, Binds: [`${name}:/d`], PortBindings: { "80/tcp": [{ HostPort: "" }] } },
  };
  await step(container, "create", () => api.ask("POST", `/containers/create?name=${name}`, config));
  container.status = "created";
  await step(container, "start", () => api.ask("POST", `/containers/${name}/start`));
  container.status = "running";
  for (let times = chance.pick(3); times > 0; times--) {
    for (const verb of ["connect", "disconnect"]) {
      household.onBridge = undefined;
      await step(container, "other", () => api.ask("POST", `/networks/bridge/${verb}`, { Container: name }));
      household.onBridge = verb === "connect";
    }
  }
  if (chance.pick(3) === 0) return;
  await step(container, "remove", () => api.ask("DELETE", `/containers/${name}?force=1`));
  container.status = "removed";
  if (chance.pick(2) === 0) await change(network, false, () => api.ask("DELETE", `/networks/${name}`));
  if (chance.pick(2) === 0) await change(volume, false, () => api.ask("DELETE", `/volumes/${name}`));
}

/** One user. Ends when the daemon does not answer any more; rejects when it answers wrongly. */
export async function keepHouse(work: Work, prefix: string): Promise<void> {
  try {
    for (let number = 0; ; number++) {
      const name = `${prefix}-${number}`;
      const household: Household = {
        network: { kind: "networks", name, isThere: false },
        volume: { kind: "volumes", name, isThere: false },
        container: newEntry(name),
        onBridge: false,
      };
      work.ledger.push(household);
      await live(work, household);
    }
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

async function checkThing(api: Api, { kind, name, isThere }: Thing): Promise<void> {
  const { status } = await api.send("GET", `/${kind}/${name}`);
  const allowed = isThere === undefined ? [200, 404] : [isThere ? 200 : 404];
  assert.ok(allowed.includes(status), `${kind} ${name}: acknowledged ${isThere}, found ${status}`);
}

/** What was acknowledged, of a daemon that has started again. */
export async function checkHousehold(api: Api, household: Household): Promise<void> {
  const { network, volume, container, onBridge } = household;
  const { name } = container;
  await checkThing(api, network);
  await checkThing(api, volume);
  const { status, body } = await api.send("GET", `/containers/${name}/json`);
  if (status !== 200) return;
  const { Networks } = JSON.parse(body.toString()).NetworkSettings;
  assert.ok(name in Networks, `${name} is on its network`);
  if (onBridge !== undefined) assert.equal("bridge" in Networks, onBridge, `${name} on the bridge`);
}

/** What there is of it besides the container, which is gone. */
export async function endHousehold(api: Api, { network, volume }: Household): Promise<void> {
  for (const { kind, name } of [network, volume]) {
    const { status, body } = await api.send("DELETE", `/${kind}/${name}`);
    assert.ok([204, 404].includes(status), `${kind} ${name}: ${status} ${body.toString()}`);
  }
}
