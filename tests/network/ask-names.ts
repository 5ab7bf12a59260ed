// A program for tests: asks 127.0.0.11 by c-ares, one after the other, for what its arguments name ("web A", "172.18.0.2 PTR"), and prints
// the answers as JSON lines: sorted lists, or the code of the failure.

import { Resolver } from "node:dns/promises";

const resolver = new Resolver({ timeout: 10_000, tries: 1 });
resolver.setServers(["127.0.0.11"]);
for (const question of process.argv.slice(2)) {
  const [name = "", type = "A"] = question.split(" ");
  const found = type === "PTR" ? resolver.reverse(name) : resolver.resolve(name, type);
  const answer = await found.then(
    (list) => (Array.isArray(list) ? list.map(String).sort() : list),
    (error: unknown) => (error instanceof Error && "code" in error ? error.code : String(error)),
  );
  console.log(JSON.stringify(answer));
}
