import { findContext } from "../../contexts/chosen.ts";
import { DEFAULT_CONTEXT, metadataFolder, type StoredContext, tlsFolder } from "../../contexts/store.ts";
import { ANY, type Command } from "../../grammar/command.ts";
import { inspectAll, inspectFormat } from "../../output/inspection.ts";

const IN_MEMORY = "\\u003cIN MEMORY\\u003e";

function describe(configFolder: string, name: string, { metadata, tls }: StoredContext): string {
  const isDefault = name === DEFAULT_CONTEXT;
  const files = Object.keys(tls).sort();
  const text = JSON.stringify({
    Name: name,
    Metadata: isDefault ? {} : (metadata.Metadata ?? {}),
    Endpoints: metadata.Endpoints ?? {},
    TLSMaterial: files.length === 0 ? {} : { docker: files },
    Storage: {
      MetadataPath: isDefault ? IN_MEMORY : metadataFolder(configFolder, name),
      TLSPath: isDefault ? IN_MEMORY : tlsFolder(configFolder, name),
    },
  });
  return text.replaceAll("\\\\u003", "\\u003"); // escaped as Go does it
}

export const command: Command = {
  usage: "[OPTIONS] [CONTEXT] [CONTEXT...]",
  about: "Display detailed information on one or more contexts",
  takes: [0, ANY],
  flags: [inspectFormat],
  run: async ({ session, arguments: given, option }) => {
    const { configFolder, contextName } = session.connection;
    const names = given.length === 0 ? [contextName] : given;
    await inspectAll(session, names, option(inspectFormat), async (name) =>
      describe(configFolder, name, findContext(session, name)),
    );
  },
};
