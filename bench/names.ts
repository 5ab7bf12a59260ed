// The resolver at 127.0.0.11: answers a second for names of a network of 500, and the processor time of each.
//   node bench/names.ts [SECONDS], as root. The client is a process of its own in the sandbox's namespace, with 64 questions on their way.

import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeName } from "#formats/dns/message.ts";
import { startZygote } from "#kernel/zygote/zygote.ts";
import { nativeProgram } from "#main/native-program.ts";
import { NameService } from "#network/dns/name-service.ts";
import { NameTable } from "#network/dns/name-table.ts";
import { Namespace } from "../tests/network/namespaces.ts";

const NAMES = 500;
const WINDOW = 64;
const asked = process.argv[2];

if (asked === "ask") await askFor(Number(process.argv[3]));
else await measure(Number(asked ?? 5));

function question(index: number): Buffer {
  const header = Buffer.from([index >> 8, index & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, encodeName(`service-${index % NAMES}`), Uint8Array.of(0, 1, 0, 1)]);
}

/** Prints how many answers came in so many seconds. */
async function askFor(seconds: number): Promise<void> {
  const questions = Array.from({ length: NAMES }, (_, index) => question(index));
  const socket = createSocket({ type: "udp4", recvBufferSize: 1 << 20 });
  let count = 0;
  const ask = (): void => socket.send(questions[count % NAMES] ?? Buffer.alloc(0), 53, "127.0.0.11");
  const fill = (): void => {
    for (let open = 0; open < WINDOW; open++) ask();
  };
  socket.on("message", () => {
    count++;
    ask();
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  fill();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  console.log(count);
  process.exit();
}

async function measure(seconds: number): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "gantry-names-"));
  undo.defer(() => rmSync(folder, { recursive: true }));
  const zygote = undo.use(
    await startZygote({ binary: nativeProgram(), socket: join(folder, "zygote.sock") }),
  );
  const sandbox = await Namespace.open();
  undo.defer(() => sandbox.close());
  const directory = new NameTable();
  for (let index = 0; index < NAMES; index++) {
    const names = [`service-${index}`, "service"];
    const ipv4 = [`172.18.${index >> 8}.${index & 0xff}`];
    directory.set(`s${index}`, [{ networkId: "n", networkName: "net", names, links: {}, ipv4, ipv6: [] }]);
  }
  const service = undo.use(new NameService({ sockets: zygote.sockets, directory }));
  const settings = { upstreams: [], mayAskOutside: false, keepsSingleLabels: false };
  await service.serve({ id: "s0", path: sandbox.path }, settings);
  await ask(sandbox, 1); // until the code is compiled
  const before = process.cpuUsage();
  const count = await ask(sandbox, seconds);
  const { user, system } = process.cpuUsage(before);
  const each = (user + system) / count;
  console.log(`${Math.round(count / seconds)} answers a second, ${each.toFixed(1)} us of processor each`);
  console.log(`${Math.round(1e6 / each)} answers for each second of processor`);
}

async function ask(sandbox: Namespace, seconds: number): Promise<number> {
  const args = [`--net=${sandbox.path}`, process.execPath, import.meta.filename, "ask", String(seconds)];
  const client = spawn("nsenter", args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  client.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(client, "close");
  return Number(text);
}
