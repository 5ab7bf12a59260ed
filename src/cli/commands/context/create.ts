import { findContext } from "../../contexts/chosen.ts";
import {
  descriptionFlag,
  dockerFlag,
  endpointHelp,
  readEndpointOptions,
} from "../../contexts/endpoint-options.ts";
import { checkContextName, hasContext, type StoredContext, writeContext } from "../../contexts/store.ts";
import type { Call, Command } from "../../grammar/command.ts";
import { optionalText, unsupportedFlags } from "../../grammar/flags.ts";

const from = optionalText("from", { about: "create context from a named context" });

/** What is to be stored: of the daemon that the flags name, or a copy of another context. */
function planContext({ session, option }: Call): StoredContext {
  const description = option(descriptionFlag);
  const Metadata = description === undefined ? {} : { Description: description };
  const docker = option(dockerFlag);
  if (docker !== undefined) {
    if (option(from) !== undefined) throw new Error("cannot use --docker flag when --from is set");
    const { endpoint, tls } = readEndpointOptions(docker, (name) => findContext(session, name));
    return { metadata: { Metadata, Endpoints: { docker: endpoint } }, tls };
  }
  const { metadata, tls } = findContext(session, option(from) ?? session.connection.contextName);
  return { metadata: { ...metadata, Metadata: { ...metadata.Metadata, ...Metadata } }, tls };
}

export const command: Command = {
  usage: "[OPTIONS] CONTEXT",
  about: `Create a context${endpointHelp("create")}`,
  takes: [1, 1],
  flags: [descriptionFlag, dockerFlag, from, ...unsupportedFlags("default-stack-orchestrator", "kubernetes")],
  run: async (call) => {
    const {
      session,
      arguments: [name = ""],
    } = call;
    const { configFolder } = session.connection;
    checkContextName(name);
    if (hasContext(configFolder, name)) throw new Error(`context ${JSON.stringify(name)} already exists`);
    writeContext(configFolder, name, planContext(call));
    session.out(`${name}\n`);
    session.err(`Successfully created context ${JSON.stringify(name)}\n`);
  },
};
