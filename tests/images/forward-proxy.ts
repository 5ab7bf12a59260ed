// A program: a proxy that connects where its clients ask to, TLS within CONNECT and plain HTTP by whole addresses. It alone knows where
// the names lead. It prints each request, and whether it let it through.
//
//   forward-proxy.ts PORT NAMES CREDENTIALS      {"registry.test:443": "127.0.0.1:5002"} as JSON; "user:password", or "" for anybody

import {
  createServer,
  type IncomingMessage,
  request as open,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { connect } from "node:net";
import { pipeline } from "node:stream";

const [port = "", text = "{}", credentials = ""] = process.argv.slice(2);
const names: ReadonlyMap<string, string> = new Map(Object.entries(JSON.parse(text)));
const wanted = credentials === "" ? undefined : `Basic ${btoa(credentials)}`;

/** 0 if it may pass, else the status to refuse it with. */
function judge({ method, url, headers }: IncomingMessage, address: string): number {
  const isAllowed = headers["proxy-authorization"] === wanted;
  const status = isAllowed ? (names.has(address) ? 0 : 502) : 407;
  console.log(`${method} ${url} ${status === 0 ? "passed" : status}`);
  return status;
}

const targetOf = (address: string): { readonly host: string; readonly port: number } => {
  const [host = "", number = ""] = (names.get(address) ?? "").split(":");
  return { host, port: Number(number) };
};

function relay(request: IncomingMessage, response: ServerResponse): void {
  const url = URL.parse(request.url ?? "");
  const address = `${url?.hostname}:${url?.port || "80"}`;
  const status = judge(request, address);
  if (url === null || status !== 0) {
    response.writeHead(status === 0 ? 400 : status).end();
    return;
  }
  const { method, headers } = request;
  const path = `${url.pathname}${url.search}`;
  const outgoing = open({ ...targetOf(address), method, path, headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    pipeline(answer, response, () => undefined);
  });
  outgoing.on("error", () => response.destroy());
  pipeline(request, outgoing, () => undefined);
}

const server = createServer(relay);
server.on("connect", (request, socket, head) => {
  const address = request.url ?? "";
  const status = judge(request, address);
  if (status !== 0) {
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Length: 0\r\n\r\n`);
    return;
  }
  const target = connect(targetOf(address), () => {
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    target.write(head);
    pipeline(socket, target, socket, () => undefined);
  });
  target.on("error", () => socket.destroy());
});
server.listen(Number(port), "127.0.0.1", () => console.log("listening"));
