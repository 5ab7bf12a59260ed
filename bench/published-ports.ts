// Throughput and connections a second through a published port, with 1 and with 1,000 ports published: looking a port up must not depend on how many
// there are. Namespaces and rules of the firewall alone, no containers.
//
//   node bench/published-ports.ts [ROUNDS]      as root; rounds alternate

import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { FirewallHost } from "../tests/network/firewall-host.ts";
import type { Namespace } from "../tests/network/namespaces.ts";

const SECONDS = 2;
const PORT = 8080;
const self = import.meta.filename;

/** In the container: sends to whoever connects and says "send", until that one ends the connection. */
const serve = `require("node:net").createServer(s=>{s.on("error",()=>{});s.once("data",d=>{if(String(d)!=="send")return s.end("x");const b=Buffer.alloc(1<<20);const go=()=>{while(s.write(b));};s.on("drain",go);go()})}).listen(80,()=>console.log("ready"))`;

/** From outside: how many bytes come in the time, and how many connections one after the other. */
async function measure(lan: Namespace): Promise<{ readonly gigabits: number; readonly connections: number }> {
  const { output } = await lan.run(process.execPath, self, "client");
  const [gigabits = 0, connections = 0] = output.trim().split(" ").map(Number);
  return { gigabits, connections };
}

async function client(): Promise<void> {
  const { connect } = await import("node:net");
  const open = (): ReturnType<typeof connect> => connect(PORT, "192.168.77.1");
  const bulk = open();
  let bytes = 0;
  bulk.on("data", (data) => {
    bytes += data.length;
  });
  bulk.write("send");
  await delay(SECONDS * 1000);
  bulk.destroy();
  let connections = 0;
  for (const end = performance.now() + SECONDS * 1000; performance.now() < end; connections++) {
    const one = open();
    one.end("x");
    one.resume();
    await once(one, "close");
  }
  console.log((bytes * 8) / SECONDS / 1e9, connections / SECONDS);
}

async function compare(rounds: number): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const place = await FirewallHost.open(undo);
  await place.network("a", 31);
  const inside = await place.container("a", 31, 2);
  const server = spawn("nsenter", [`--net=${inside.path}`, process.execPath, "-e", serve]);
  undo.defer(() => void server.kill());
  await once(server.stdout, "data");
  await place.publish({ container: "172.31.0.2", hostPort: PORT });
  for (let round = 0; round < rounds; round++) {
    const one = await measure(place.lan);
    const others = Array.from({ length: 999 }, (_, at) => ({
      container: "172.31.0.2",
      hostPort: 20_000 + at,
    }));
    const published = await place.publish(...others);
    const many = await measure(place.lan);
    await place.unpublish(published);
    for (const [ports, { gigabits, connections }] of [
      [1, one],
      [1000, many],
    ] as const)
      console.log(`${ports} ports: ${gigabits.toFixed(2)} Gbit/s, ${connections.toFixed(0)} connections/s`);
  }
}

if (process.argv[2] === "client") await client();
else await compare(Number(process.argv[2] ?? 3));
