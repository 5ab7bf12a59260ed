// A switch between the network namespaces of engines: each has a link "lan0" to it, with an address.

import { type Engine, makeNamespace } from "../system/engine.ts";
import { must } from "../system/process.ts";

export interface Lan {
  /** Name of the switch's namespace, where the other ends of the cables are: "port0", "port1", … */
  readonly netns: string;
  /** The cable of this engine, by number, is pulled or put back. */
  setCable(number: number, state: "up" | "down"): Promise<void>;
}

export const LAN = "192.168.50";

/** Engine N, from 0 on, gets the address 192.168.50.(N + 1). The cables end with the engines, the switch with the stack. */
export async function connectEngines(
  engines: readonly Pick<Engine, "netns">[],
  undo: AsyncDisposableStack,
): Promise<Lan> {
  const netns = `${engines[0]?.netns ?? ""}-lan`;
  undo.use(await makeNamespace(netns));
  const inSwitch = (...words: readonly string[]) => must(["ip", ...words], { netns });
  await inSwitch("link", "add", "switch", "type", "bridge");
  await inSwitch("link", "set", "switch", "up");
  for (const [number, engine] of engines.entries()) {
    const port = `port${number}`;
    const peer = ["peer", "name", "lan0", "netns", engine.netns];
    await inSwitch("link", "add", port, "type", "veth", ...peer);
    await inSwitch("link", "set", port, "master", "switch", "up");
    await must(["ip", "address", "add", `${LAN}.${number + 1}/24`, "dev", "lan0"], { netns: engine.netns });
    await must(["ip", "link", "set", "lan0", "up"], { netns: engine.netns });
  }
  return {
    netns,
    setCable: async (number, state) => {
      await inSwitch("link", "set", `port${number}`, state);
    },
  };
}
