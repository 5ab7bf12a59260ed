// Names that the daemon, the contexts and the environment know now.

import type { Engine } from "#client/engine.ts";
import { DEFAULT_CONTEXT, descriptionOf, listContexts } from "../contexts/store.ts";
import type { Session } from "../session.ts";
import type { Source } from "./values.table.ts";

export interface Candidate {
  readonly value: string;
  readonly about: string;
}

const STOPPED = ["created", "exited"];
const RUNNING = ["running", "paused", "restarting"];

async function containerNames(
  engine: Engine,
  states: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<readonly Candidate[]> {
  const found = await engine.containers.list({ all: true }, signal);
  return found
    .filter(({ State = "" }) => states === undefined || states.includes(State))
    .flatMap(({ Names, Image = "", Status = "" }) =>
      (Names ?? [])
        .map((name) => name.slice(1))
        .filter((name) => !name.includes("/")) // links
        .map((value) => ({ value, about: `${Image}, ${Status}` })),
    );
}

async function imageNames(engine: Engine, signal: AbortSignal): Promise<readonly Candidate[]> {
  const found = await engine.images.list({}, signal);
  return found.flatMap(({ RepoTags }) =>
    (RepoTags ?? []).flatMap((name) =>
      name.endsWith(":latest")
        ? [
            { value: name.slice(0, -":latest".length), about: "" },
            { value: name, about: "" },
          ]
        : [{ value: name, about: "" }],
    ),
  );
}

const plain = (values: readonly (string | undefined)[], about = ""): readonly Candidate[] =>
  values.flatMap((value) => (value === undefined || value === "" ? [] : [{ value, about }]));

function contextNames({ connection }: Session): readonly Candidate[] {
  const stored = listContexts(connection.configFolder);
  return [
    ...plain([DEFAULT_CONTEXT]),
    ...stored.map((metadata) => ({ value: metadata.Name ?? "", about: descriptionOf(metadata) })),
  ];
}

export async function namesOf(
  session: Session,
  source: Source,
  signal: AbortSignal,
): Promise<readonly Candidate[]> {
  switch (source) {
    case "containers":
      return await containerNames(await session.engine(signal), undefined, signal);
    case "running":
      return await containerNames(await session.engine(signal), RUNNING, signal);
    case "stopped":
      return await containerNames(await session.engine(signal), STOPPED, signal);
    case "images":
      return await imageNames(await session.engine(signal), signal);
    case "volumes": {
      const { Volumes } = await (await session.engine(signal)).volumes.list({}, signal);
      return plain((Volumes ?? []).map(({ Name }) => Name));
    }
    case "networks": {
      const found = await (await session.engine(signal)).networks.list({}, signal);
      return found.flatMap(({ Name = "", Driver = "" }) => [{ value: Name, about: Driver }]);
    }
    case "contexts":
      return contextNames(session);
    case "environment":
      return plain(Object.keys(session.surroundings.env));
    case "commands":
    case "files":
    case "nothing":
      return [];
    default:
      return source satisfies never;
  }
}
