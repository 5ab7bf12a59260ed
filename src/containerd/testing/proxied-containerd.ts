// The same layer behind its own gRPC socket, in one process.

import { join } from "node:path";
import { connectContainerd } from "../proxy.ts";
import { serveContainerd } from "../server.ts";
import { openTestContainerd, type TestContainerd } from "./test-containerd.ts";

export async function openProxiedContainerd(): Promise<TestContainerd> {
  await using undo = new AsyncDisposableStack();
  const local = undo.use(await openTestContainerd());
  const socket = join(local.folder, "containerd.sock");
  undo.use(await serveContainerd(local.services, socket));
  const services = undo.use(connectContainerd(socket));
  const closing = undo.move();
  return { ...local, services, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}
