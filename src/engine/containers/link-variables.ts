// The environment variables by which a linked container is known: DB_NAME, DB_PORT, DB_PORT_5432_TCP_ADDR, DB_ENV_…

import type { ContainerConfig } from "#spec/container-config.ts";
import { unpackExposed } from "#spec/port-ranges.ts";
import { parsePort } from "./ports.ts";

interface Port {
  readonly number: number;
  readonly proto: string;
}

/** `path`: "/web/db"; `child`: the settings of the container that is linked to. */
export function linkVariables(
  path: string,
  address: string,
  child: Pick<ContainerConfig, "Env" | "ExposedPorts">,
): readonly string[] {
  const alias = (path.split("/").at(-1) ?? "").toUpperCase().replaceAll("-", "_");
  const ports = exposedPorts(child);
  const url = ({ proto, number }: Port): string => `${proto}://${address}:${number}`;
  const name = ({ proto, number }: Port): string => `${alias}_PORT_${number}_${proto.toUpperCase()}`;
  const [first] = ports;
  return [
    ...(first === undefined ? [] : [`${alias}_PORT=${url(first)}`]),
    ...ports.flatMap((port) => [
      `${name(port)}=${url(port)}`,
      `${name(port)}_ADDR=${address}`,
      `${name(port)}_PORT=${port.number}`,
      `${name(port)}_PROTO=${port.proto}`,
    ]),
    ...rangesOf(ports).flatMap(([start, end]) => [
      `${name(start)}_START=${url(start)}`,
      `${name(start)}_PORT_START=${start.number}`,
      `${name(start)}_END=${url(end)}`,
      `${name(start)}_PORT_END=${end.number}`,
    ]),
    `${alias}_NAME=${path}`,
    ...(child.Env ?? [])
      .filter((variable) => variable.includes("=") && !/^(HOME|PATH)=/.test(variable))
      .map((variable) => `${alias}_ENV_${variable}`),
  ];
}

/** TCP first, then by number. */
function exposedPorts({ ExposedPorts }: Pick<ContainerConfig, "ExposedPorts">): readonly Port[] {
  const rank = ({ proto }: Port): string => (proto === "tcp" ? "" : proto);
  return Object.keys(unpackExposed(ExposedPorts ?? {}))
    .flatMap((text): readonly Port[] => {
      const { proto, first, last } = parsePort(text);
      return Array.from({ length: last - first + 1 }, (_, index) => ({ number: first + index, proto }));
    })
    .toSorted((a, b) => rank(a).localeCompare(rank(b)) || a.number - b.number);
}

/** Runs of two and more numbers that follow each other. */
function rangesOf(ports: readonly Port[]): readonly (readonly [Port, Port])[] {
  const ranges: [Port, Port][] = [];
  for (const port of ports) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1].proto === port.proto && last[1].number + 1 === port.number)
      last[1] = port;
    else ranges.push([port, port]);
  }
  return ranges.filter(([start, end]) => start !== end);
}
