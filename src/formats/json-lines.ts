// JSON values separated by newlines as a stream: progress messages, events, statistics.

/** One line longer than this is refused: nothing that Docker streams comes near. */
const MAX_LINE = 16 * 1024 * 1024;

const isBlank = (line: string): boolean => line.trim() === "";

/** `parse` reads one line. */
export async function* parseJsonLines(
  chunks: AsyncIterable<Uint8Array>,
  parse: (line: string) => unknown = (line) => JSON.parse(line),
): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE) throw new Error("a line of the JSON stream is too long");
    for (const line of lines) if (!isBlank(line)) yield parse(line);
  }
  if (!isBlank(rest)) yield parse(rest);
}
