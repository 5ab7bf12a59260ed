// Walks as text, one command line each:
//
//   == a title [alone] [both clients]      starts a walk; alone: no other walk runs meanwhile
//   # a comment
//   run --rm busybox echo 'two words'      words of `docker`, quoted as in a shell. No names that an id may begin with: `db`, `aa`
//   until WORD | inspect ...               repeated until its output has the word
//   printf 'text\n' | exec -i ...          with this on its standard input

export interface Step {
  readonly line: string;
  readonly words: readonly string[];
  readonly input?: string;
  readonly until?: string;
}

export interface Walk {
  readonly title: string;
  readonly alone: boolean;
  readonly bothClients: boolean;
  readonly steps: readonly Step[];
}

const WORD = /(?:'[^']*'|"(?:[^"\\]|\\.)*"|[^\s'"])+/g;
const PIECE = /'([^']*)'|"((?:[^"\\]|\\.)*)"|([^'"]+)/g;

/** Only quotes are read; there is nothing that a shell would expand. */
export const splitWords = (line: string): readonly string[] =>
  (line.match(WORD) ?? []).map((word) =>
    word.replaceAll(
      PIECE,
      (_, raw?: string, quoted?: string, bare?: string) =>
        raw ?? quoted?.replaceAll(/\\(["\\])/g, "$1") ?? bare ?? "",
    ),
  );

function parseStep(line: string): Step {
  const [, before, rest] = /^((?:until|printf) .+?) \| (.*)$/.exec(line) ?? [];
  if (before === undefined || rest === undefined) return { line, words: splitWords(line) };
  const [verb, value = ""] = splitWords(before);
  const words = splitWords(rest);
  return verb === "until"
    ? { line, words, until: value }
    : { line, words, input: value.replaceAll("\\n", "\n") };
}

function parseWalk(text: string): Walk {
  const [heading = "", ...lines] = text.split("\n");
  return {
    title: heading.replaceAll(/\s*\[.*?\]/g, ""),
    alone: heading.includes("[alone]"),
    bothClients: heading.includes("[both clients]"),
    steps: lines.filter((line) => line !== "" && !line.startsWith("# ")).map(parseStep),
  };
}

/** What stands before the first title is a comment. */
export const parseWalks = (text: string): readonly Walk[] => text.split(/^== /m).slice(1).map(parseWalk);
