import { Struct } from "#formats/go-template-values.ts";
import { DEFAULT_DESCRIPTION, defaultHost, warnOfHost } from "../../contexts/chosen.ts";
import { DEFAULT_CONTEXT, descriptionOf, listContexts, readContext } from "../../contexts/store.ts";
import type { Command } from "../../grammar/command.ts";
import { toggle } from "../../grammar/flags.ts";
import { messageFor } from "../../messages.ts";
import { formatFlag, type Listing, printRows } from "../../output/listing.ts";
import { ellipsis } from "../../output/texts.ts";
import type { Session } from "../../session.ts";

const quiet = toggle("quiet", { short: "q", about: "Only show context names" });

const ERROR_WIDTH = 45;

const listing: Listing = {
  type: "*formatter.clientContextContext",
  defaultTable: "{{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}",
  headers: {
    Name: "NAME",
    Description: "DESCRIPTION",
    DockerEndpoint: "DOCKER ENDPOINT",
    Error: "ERROR",
  },
};

interface Line {
  readonly Name: string;
  readonly Description: string;
  readonly DockerEndpoint: string;
  readonly Error: string;
}

/** All, "default" among them, and the one in use even if it is not there. */
function lines(session: Session): readonly Line[] {
  const { configFolder, contextName } = session.connection;
  const found: Line[] = listContexts(configFolder).map((metadata) => ({
    Name: metadata.Name ?? "",
    Description: descriptionOf(metadata),
    DockerEndpoint: metadata.Endpoints?.docker?.Host ?? "",
    Error: "",
  }));
  const fallback = { Name: DEFAULT_CONTEXT, Description: DEFAULT_DESCRIPTION, Error: "" };
  found.push({ ...fallback, DockerEndpoint: defaultHost(session) });
  if (!found.some(({ Name }) => Name === contextName))
    found.push({ Name: contextName, Description: "", DockerEndpoint: "", Error: missing(session) });
  return found.sort((a, b) => (a.Name < b.Name ? -1 : 1));
}

function missing({ connection: { configFolder, contextName } }: Session): string {
  try {
    readContext(configFolder, contextName);
    return "";
  } catch (error) {
    return messageFor(error);
  }
}

export const command: Command = {
  usage: "[OPTIONS]",
  about: "List contexts",
  takes: [0, 0],
  flags: [formatFlag, quiet],
  run: async (call) => {
    const { session, option } = call;
    const format = option(formatFlag) ?? "";
    const isTable = format === "" || format.startsWith("table");
    const rows = lines(session).map(
      (line) =>
        new Struct(listing.type, {
          ...line,
          Current: line.Name === session.connection.contextName,
          Error: isTable ? ellipsis(line.Error, ERROR_WIDTH) : line.Error,
        }),
    );
    printRows(session, listing, { format, quiet: option(quiet) && "Name" }, rows);
    if (!option(quiet)) warnOfHost(call, "a context");
  },
};
