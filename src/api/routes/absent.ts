// Docker's routes that this version does not have: the answer says so, instead of "page not found".
// Without a swarm Docker itself refuses most of the swarm's routes; those words are its own.

import { EngineError, unsupported } from "#base/errors.ts";
import type { Route } from "../router.ts";

type Method = Route["method"];

/** "GET /path", and the command of the real client that comes here. */
const absent: readonly (readonly [string, string])[] = [
  ["POST /build", "docker build"],
  ["POST /build/cancel", "docker build"],
  ["POST /session", "BuildKit session"],
  ["POST /grpc", "BuildKit"],
  ["PUT /volumes/:name", "docker volume update"],
  ["GET /plugins/privileges", "docker plugin install"],
  ["POST /plugins/pull", "docker plugin install"],
  ["POST /plugins/create", "docker plugin create"],
  ["POST /swarm/init", "docker swarm init"],
  ["POST /swarm/join", "docker swarm join"],
];

/** Docker asks for a manager before it looks at anything else. */
const managed = [
  ...["GET /swarm", "POST /swarm/update", "GET /swarm/unlockkey"],
  ...["GET /nodes", "GET /nodes/:id", "DELETE /nodes/:id", "POST /nodes/:id/update"],
  ...["GET /services", "POST /services/create", "GET /services/:id", "DELETE /services/:id"],
  ...[
    "POST /services/:id/update",
    "GET /services/:id/logs",
    "GET /tasks",
    "GET /tasks/:id",
    "GET /tasks/:id/logs",
  ],
  ...[
    "GET /secrets",
    "POST /secrets/create",
    "GET /secrets/:id",
    "DELETE /secrets/:id",
    "POST /secrets/:id/update",
  ],
  ...[
    "GET /configs",
    "POST /configs/create",
    "GET /configs/:id",
    "DELETE /configs/:id",
    "POST /configs/:id/update",
  ],
];

const pluginVerbs = [
  ...["GET /plugins/:name*/json", "DELETE /plugins/:name*", "POST /plugins/:name*/enable"],
  ...["POST /plugins/:name*/disable", "POST /plugins/:name*/upgrade", "POST /plugins/:name*/push"],
  "POST /plugins/:name*/set",
];

const notManager = (): EngineError =>
  new EngineError(
    "unavailable",
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  );
const notInSwarm = (): EngineError => new EngineError("unavailable", "This node is not part of a swarm");
const noPlugin = (name: string): EngineError => new EngineError("notFound", `plugin "${name}" not found`);

const refuse = (line: string, why: (name: string) => Error): Route => {
  const [method = "", path = ""] = line.split(" ");
  return { method: methodOf(method), path, handle: ({ params }) => Promise.reject(why(params.name ?? "")) };
};

const methods: readonly Method[] = ["DELETE", "GET", "HEAD", "POST", "PUT"];
const methodOf = (text: string): Method => methods.find((method) => method === text) ?? "GET";

export const absentRoutes = (): Route[] => [
  ...absent.map(([line, command]) =>
    refuse(line, () => unsupported(`${line.replace("*", "")} (${command})`)),
  ),
  ...managed.map((line) => refuse(line, notManager)),
  ...["POST /swarm/leave", "POST /swarm/unlock"].map((line) => refuse(line, notInSwarm)),
  { method: "GET", path: "/plugins", handle: async () => ({ kind: "json", status: 200, value: [] }) },
  ...pluginVerbs.map((line) => refuse(line, noPlugin)),
];
