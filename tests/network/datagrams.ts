// A program for tests: "serve PORT" answers datagrams for five seconds, "ask PORT ADDRESS" prints the answer to its own.

import { createSocket } from "node:dgram";

const [verb, port = "0", address = "0.0.0.0"] = process.argv.slice(2);
const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
setTimeout(() => process.exit(verb === "serve" ? 0 : 1), 5000);
if (verb === "serve") {
  socket.on("message", (message, sender) => socket.send(`got ${message}`, sender.port, sender.address));
  socket.bind(Number(port));
} else {
  socket.on("message", (message) => {
    console.log(String(message));
    process.exit();
  });
  setInterval(() => socket.send("hello", Number(port), address), 50); // the first may be sent before the server listens
}
