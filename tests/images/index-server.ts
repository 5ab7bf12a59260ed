// A program: an index of registry version 1 as `search` asks it, for tests; what it answers is decided by the term.
//
//   index-server.ts PORT
//
// Whoever asks version 2 is sent to its token server, which exchanges the identity token "identity" for one that tells what it is for.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

const [port = ""] = process.argv.slice(2);

const results = [
  { name: "first", description: "a line\nand another\r", star_count: 30, is_official: true },
  { name: "team/second", description: "d".repeat(60), star_count: 3, is_official: false },
  { name: "third", description: "", star_count: 0, is_official: false },
].map((one) => ({ ...one, is_automated: false }));

async function exchange(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const form = new URLSearchParams(await text(request));
  const isKnown = form.get("grant_type") === "refresh_token" && form.get("refresh_token") === "identity";
  const token = `${form.get("service")} ${form.get("scope")}`.replaceAll(/[^a-z]+/g, ".");
  response.writeHead(isKnown ? 200 : 401).end(JSON.stringify({ access_token: token }));
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "", "http://index");
  const term = url.searchParams.get("q") ?? "";
  const answer = (status: number, body: string): void => {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(body);
  };
  if (url.pathname === "/v1/_ping") answer(200, "true");
  else if (url.pathname === "/token") void exchange(request, response);
  else if (url.pathname === "/v2/") {
    const realm = `realm="http://127.0.0.1:${port}/token",service="index"`;
    // dockerd 20.10 looks for the version.
    const version = { "Docker-Distribution-Api-Version": "registry/2.0" };
    response.writeHead(401, { "WWW-Authenticate": `Bearer ${realm}`, ...version }).end();
  } else if (url.pathname !== "/v1/search") answer(404, "{}");
  else if (/^[0-9]{3}$/.test(term)) answer(Number(term), "refused");
  else if (term === "junk") answer(200, "nothing");
  else if (term === "empty") answer(200, "");
  else if (term === "none") answer(200, JSON.stringify({ query: term, num_results: 0, results: [] }));
  else if (term === "echo") {
    const { authorization = "nobody", "x-docker-token": token } = request.headers;
    const name = `${url.search} ${authorization} ${token}`;
    answer(200, JSON.stringify({ results: [{ name }] }));
  } else answer(200, JSON.stringify({ query: term, num_results: results.length, results }));
});
server.listen(Number(port), "127.0.0.1", () => console.log("listening"));
