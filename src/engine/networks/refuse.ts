// What cannot be done to the networks that every engine has, and what this engine does not do yet, in Docker's words.

import { EngineError, unsupported } from "#base/errors.ts";
import type { NetworkController } from "#network/controller.ts";

const predefined = new Set(["bridge", "host", "none", "default"]);

const forbidden = (message: string): EngineError => new EngineError("forbidden", message);

/** POST /networks/create */
export function refuseCreate(name: string): EngineError {
  if (predefined.has(name)) return forbidden(`operation is not permitted on predefined ${name} network `);
  return unsupported("network create (user-defined networks)");
}

/** DELETE /networks/{id}; throws notFound for one that does not exist. */
export const refuseRemove = (networks: Pick<NetworkController, "get">, nameOrId: string): EngineError =>
  forbidden(`${networks.get(nameOrId).name} is a pre-defined network and cannot be removed`);

/** POST /networks/{id}/connect and …/disconnect; throws notFound for a network that does not exist. */
export function refuseChange(
  networks: Pick<NetworkController, "get">,
  nameOrId: string,
  verb: "connect" | "disconnect",
): EngineError {
  if (networks.get(nameOrId).name === "host")
    return forbidden("container cannot be disconnected from host network or connected to host network");
  return unsupported(`network ${verb}`);
}
