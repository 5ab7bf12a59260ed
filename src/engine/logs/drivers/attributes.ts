// What the options labels, env and tag choose from a container's settings to go with its log lines.

import { systemError } from "#base/errors.ts";
import { compileTemplate } from "#formats/go-template.ts";
import { Struct } from "#formats/go-template-values.ts";
import type { LogInfo } from "./driver.ts";

export const commonOptions: readonly string[] = ["labels", "labels-regex", "env", "env-regex", "tag"];

/** Labels and variables by name. `rename`: for protocols that want other names. */
export function extraAttributes(
  info: Pick<LogInfo, "options" | "labels" | "env">,
  rename: (name: string) => string = (name) => name,
): Readonly<Record<string, string>> {
  const { options } = info;
  const variables = info.env.flatMap((variable) => {
    const at = variable.indexOf("=");
    return at < 0 ? [] : [[variable.slice(0, at), variable.slice(at + 1)] as const];
  });
  const chosen = [
    ...choose(Object.entries(info.labels), options.labels, options["labels-regex"]),
    ...choose(variables, options.env, options["env-regex"]),
  ];
  return Object.fromEntries(chosen.map(([name, value]) => [rename(name), value]));
}

function choose(
  values: readonly (readonly [string, string])[],
  names = "",
  pattern = "",
): readonly (readonly [string, string])[] {
  const wanted = new Set(names.split(",").filter((name) => name !== ""));
  const expression = pattern === "" ? undefined : compilePattern(pattern);
  return values.filter(([name]) => wanted.has(name) || expression?.test(name) === true);
}

/** Go's expressions are nearly JavaScript's. */
function compilePattern(pattern: string): RegExp {
  try {
    return new RegExp(pattern, "u");
  } catch (error) {
    throw systemError(`error parsing regexp: ${explainPattern(pattern)}`, { cause: error });
  }
}

function explainPattern(pattern: string): string {
  const bracket = /\[[^\]]*$/.exec(pattern)?.[0];
  if (bracket !== undefined) return `missing closing ]: \`${bracket}\``;
  const count = (letter: string): number => pattern.split(letter).length;
  if (count("(") > count(")")) return `missing closing ): \`${pattern}\``;
  if (count(")") > count("(")) return `unexpected ): \`${pattern}\``;
  const repetition = /^[*+?]/.exec(pattern)?.[0];
  if (repetition !== undefined) return `missing argument to repetition operator: \`${repetition}\``;
  return `invalid expression: \`${pattern}\``;
}

const shortId = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);

/** The option `tag`, a Go template. `otherwise`: the template without that option. */
export function logTag(info: LogInfo, otherwise: string): string {
  const source = info.options.tag || otherwise;
  if (source === "") return "";
  try {
    return compileTemplate(source).execute(templateData(info));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const named = text
      .replace("template: :", "template: log-tag:")
      .replace('executing ""', 'executing "log-tag"');
    throw systemError(named, { cause: error });
  }
}

function templateData(info: LogInfo): Struct {
  const [entrypoint = "", ...args] = info.command;
  return new Struct("*logger.Info", {
    Config: info.options,
    ContainerID: info.containerId,
    ContainerName: `/${info.containerName}`,
    ContainerEntrypoint: entrypoint,
    ContainerArgs: args,
    ContainerImageID: info.imageId,
    ContainerImageName: info.imageName,
    ContainerCreated: info.created,
    ContainerEnv: info.env,
    ContainerLabels: info.labels,
    DaemonName: "docker",
    ID: () => shortId(info.containerId),
    FullID: () => info.containerId,
    Name: () => info.containerName,
    Command: () => info.command.join(" "),
    ImageID: () => shortId(info.imageId),
    ImageFullID: () => info.imageId,
    ImageName: () => info.imageName,
    Hostname: () => info.hostname,
    ExtraAttributes: () => extraAttributes(info),
  });
}
