// A program for tests: "serve PROTO PORT..." answers each connection or datagram with its port and the sender's address; "ask PROTO ADDRESS PORT MS"
// prints an answer, or "none" after so many milliseconds.

import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";

const [verb, proto, ...rest] = process.argv.slice(2);

function serve(ports: readonly number[]): void {
  let waiting = ports.length;
  const ready = (): void => {
    waiting--;
    if (waiting === 0) console.log("ready");
  };
  for (const port of ports)
    if (proto === "tcp")
      createServer((socket) => {
        socket.on("error", () => {});
        socket.end(`${port} from ${socket.remoteAddress?.replace("::ffff:", "")}`);
      }).listen(port, "::", ready);
    else {
      const socket = createSocket({ type: "udp6" });
      socket.on("message", (_, from) => {
        socket.send(`${port} from ${from.address.replace("::ffff:", "")}`, from.port, from.address);
      });
      socket.bind(port, "::", ready);
    }
}

function tell(answer: string): void {
  console.log(answer);
  process.exit();
}

function ask(address: string, port: number, patienceMs: number): void {
  setTimeout(() => tell("none"), patienceMs);
  if (proto === "tcp")
    connect(port, address)
      .on("error", () => tell("none"))
      .on("data", (data) => tell(String(data)));
  else {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    socket.on("error", () => tell("none"));
    socket.on("message", (data) => tell(String(data)));
    socket.send("?", port, address);
  }
}

if (verb === "serve") serve(rest.map(Number));
else ask(rest[0] ?? "", Number(rest[1]), Number(rest[2]));
