// POST /containers/{id}/exec: remembers what is to be run.

import { randomBytes } from "node:crypto";
import { boolean, DecodeError, type Decoder, integer, array as list, object, string } from "#base/decode.ts";
import { conflict, invalid } from "#base/errors.ts";
import type { EventBus } from "#engine/events/events.ts";
import { publishContainerEvent } from "../containers/container-events.ts";
import { checkedDetachKeys } from "../containers/detach-keys.ts";
import type { Container, ContainerStore } from "../containers/store.ts";
import { describeCommand, Exec, type ExecConfig, type Execs } from "./execs.ts";

export interface CreateExecDeps {
  readonly containers: ContainerStore;
  readonly execs: Execs;
  readonly events: Pick<EventBus, "publish">;
}

const strings: Decoder<readonly string[]> = (value, path) =>
  typeof value === "string" ? [value] : list(string)(value, path);

const decodeBody = object(
  {},
  {
    Cmd: strings,
    Env: list(string),
    User: string,
    WorkingDir: string,
    Privileged: boolean,
    Tty: boolean,
    AttachStdin: boolean,
    AttachStdout: boolean,
    AttachStderr: boolean,
    DetachKeys: string,
    ConsoleSize: list(integer),
  },
);

export function decodeExecConfig(body: unknown, minor: number): ExecConfig {
  if (body === undefined) throw invalid("invalid JSON: got EOF while reading request body");
  const { Cmd, Env, User, WorkingDir, Privileged, Tty, DetachKeys, ...given } = {
    ...defaults,
    ...readBody(body),
  };
  const [first, ...rest] = Cmd;
  if (first === undefined) throw invalid("No exec command specified");
  const [height = 0, width = 0] = minor >= 42 ? given.ConsoleSize : [];
  checkedDetachKeys("escape", DetachKeys);
  return {
    command: [first, ...rest],
    env: Env,
    user: User,
    workingDir: WorkingDir,
    privileged: Privileged,
    tty: Tty,
    stdin: given.AttachStdin,
    stdout: given.AttachStdout,
    stderr: given.AttachStderr,
    detachKeys: DetachKeys,
    consoleSize: height > 0 && width > 0 ? { height, width } : undefined,
  };
}

const defaults: Required<ReturnType<typeof decodeBody>> = {
  Cmd: [],
  Env: [],
  User: "",
  WorkingDir: "",
  Privileged: false,
  Tty: false,
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  DetachKeys: "",
  ConsoleSize: [],
};

function readBody(body: unknown): ReturnType<typeof decodeBody> {
  try {
    return decodeBody(body, "");
  } catch (error) {
    if (error instanceof DecodeError) throw invalid(`invalid JSON: ${error.message}`, { cause: error });
    throw error;
  }
}

export function createExec(deps: CreateExecDeps, reference: string, config: ExecConfig): string {
  const container = deps.containers.get(reference);
  if (container.state.status === "paused")
    throw conflict(`container ${reference} is paused, unpause the container before exec`);
  requireRunning(container);
  const exec = new Exec(randomBytes(32).toString("hex"), container.id, config);
  deps.execs.add(exec);
  publishContainerEvent(deps.events, container, `exec_create: ${describeCommand(config.command)}`, {
    execID: exec.id,
  });
  return exec.id;
}

export function requireRunning({ id, state }: Container): void {
  switch (state.status) {
    case "running":
      return;
    case "paused":
      throw conflict(`container ${id} is paused, unpause the container before exec`);
    case "restarting":
      throw conflict(`container ${id} is restarting, wait until the container is running`);
    default:
      throw conflict(`container ${id} is not running`);
  }
}
