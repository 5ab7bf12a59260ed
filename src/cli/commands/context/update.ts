import { findContext } from "../../contexts/chosen.ts";
import {
  descriptionFlag,
  dockerFlag,
  endpointHelp,
  readEndpointOptions,
} from "../../contexts/endpoint-options.ts";
import { checkContextName, writeContext } from "../../contexts/store.ts";
import type { Command } from "../../grammar/command.ts";
import { unsupportedFlags } from "../../grammar/flags.ts";

export const command: Command = {
  usage: "[OPTIONS] CONTEXT",
  about: `Update a context${endpointHelp("update")}`,
  takes: [1, 1],
  flags: [descriptionFlag, dockerFlag, ...unsupportedFlags("default-stack-orchestrator", "kubernetes")],
  run: async ({ session, arguments: [name = ""], option }) => {
    checkContextName(name);
    const before = findContext(session, name);
    const { Metadata, Endpoints } = before.metadata;
    const description = option(descriptionFlag);
    const docker = option(dockerFlag);
    const given =
      docker === undefined ? undefined : readEndpointOptions(docker, (other) => findContext(session, other));
    const metadata = {
      Metadata: { ...Metadata, ...(description === undefined ? {} : { Description: description }) },
      Endpoints: { ...Endpoints, ...(given === undefined ? {} : { docker: given.endpoint }) },
    };
    writeContext(session.connection.configFolder, name, { metadata, tls: given?.tls ?? before.tls });
    session.out(`${name}\n`);
    session.err(`Successfully updated context ${JSON.stringify(name)}\n`);
  },
};
