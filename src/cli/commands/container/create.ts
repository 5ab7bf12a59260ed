import { ApiError } from "#client/api-error.ts";
import { familiarReference, parseAnyReference, withDefaultTag } from "#formats/reference.ts";
import type { ContainerCreateRequest } from "#spec/engine-api/definitions.table.ts";
import { createContainerIdFile } from "../../container-id-file.ts";
import { ANY, type Call, type Command } from "../../grammar/command.ts";
import { awaitProgress, showProgress } from "../../output/progress.ts";
import { checkPlatform } from "../../platform.ts";
import { pullImage } from "../../pull.ts";
import { OPTIONS, optionFlags } from "../../run-options/flags.ts";
import { createRequest } from "../../run-options/request.ts";
import { describeFailure } from "../../start-failure.ts";

/** The reference with its tag as the user knows it; undefined for an image's id. */
function shownName(image: string): string | undefined {
  const any = parseAnyReference(image);
  return any.kind === "id" ? undefined : familiarReference(withDefaultTag(any.reference));
}

async function pullMissing(call: Call, image: string): Promise<void> {
  const { session, option, signal } = call;
  const messages = await pullImage(session, image, { platform: option(OPTIONS.platform) }, signal);
  if (option(OPTIONS.quiet)) await awaitProgress(messages);
  else await showProgress(messages, session.surroundings.stderr);
}

const isMissingImage = (error: unknown): boolean =>
  error instanceof ApiError && error.status === 404 && /no such image/i.test(error.message);

async function createOrPull(
  call: Call,
  request: ContainerCreateRequest,
): Promise<{ Id: string; Warnings: readonly string[] | null }> {
  const { session, option, signal } = call;
  const engine = await session.engine(signal);
  const image = request.Image ?? "";
  const name = shownName(image);
  const policy = option(OPTIONS.pull);
  const target = { name: option(OPTIONS.name), platform: option(OPTIONS.platform) };
  const create = () => engine.containers.create(request, target, signal);
  if (policy === "always" && name !== undefined) await pullMissing(call, image);
  try {
    return await create();
  } catch (error) {
    if (!isMissingImage(error) || name === undefined || policy !== "missing") throw error;
    if (!option(OPTIONS.quiet)) session.err(`Unable to find image '${name}' locally\n`);
    await pullMissing(call, image);
    return await create();
  }
}

/** Creates the container that the command line describes and returns its id. The id is in --cidfile when it resolves. */
export async function createContainer(call: Call, request: ContainerCreateRequest): Promise<string> {
  const { session, option } = call;
  const policy = option(OPTIONS.pull);
  if (!["always", "missing", "never", ""].includes(policy))
    throw new Error(`invalid pull option: '${policy}': must be one of "always", "missing" or "never"`);
  checkPlatform(option(OPTIONS.platform));
  const cidfile = option(OPTIONS.cidfile);
  using idFile = cidfile === "" ? undefined : createContainerIdFile(cidfile);
  const { Id, Warnings } = await createOrPull(call, request);
  for (const warning of Warnings ?? []) session.err(`WARNING: ${warning}\n`);
  idFile?.write(Id);
  return Id;
}

/** What the command line asks for; `detached`: nobody attaches. Throws ExitError. */
export function describeContainer(call: Call, verb: string, detached: boolean): ContainerCreateRequest {
  try {
    return createRequest(call, call.session, detached);
  } catch (error) {
    throw describeFailure(error, verb);
  }
}

export const command: Command = {
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  about: "Create a new container",
  takes: [1, ANY],
  passThrough: true,
  flags: optionFlags,
  run: async (call) => {
    const id = await createContainer(call, describeContainer(call, "create", false));
    call.session.out(`${id}\n`);
  },
};
