// Text in columns, as Go's tabwriter lays it out: cells end with a tab, and a column is as wide as the widest cell of
// the neighbouring lines that have one.

export interface ColumnRules {
  readonly minWidth: number;
  readonly padding: number;
}

/** Docker's tables. */
const DOCKER_TABLE: ColumnRules = { minWidth: 10, padding: 3 };

const widthOf = (cell: string): number => [...cell].length;

/** The width of column `column` for each line; 0 where a line has no such (ended) cell. */
function columnWidths(lines: readonly (readonly string[])[], column: number, rules: ColumnRules): number[] {
  const widths = lines.map(() => 0);
  const hasCell = (at: number): boolean => column < (lines[at]?.length ?? 0) - 1;
  for (let start = 0; start < lines.length; start++) {
    if (!hasCell(start)) continue;
    let end = start;
    let widest = 0;
    for (; end < lines.length && hasCell(end); end++)
      widest = Math.max(widest, widthOf(lines[end]?.[column] ?? ""));
    widths.fill(Math.max(rules.minWidth, widest + rules.padding), start, end);
    start = end;
  }
  return widths;
}

/** Replaces the tabs of `text` by spaces. */
export function alignColumns(text: string, rules: ColumnRules = DOCKER_TABLE): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const columns = Math.max(...lines.map((cells) => cells.length)) - 1;
  const widths = Array.from({ length: columns }, (_, column) => columnWidths(lines, column, rules));
  const padded = lines.map((cells, line) =>
    cells
      .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column]?.[line] ?? 0) - widthOf(cell))))
      .join(""),
  );
  return padded.join("\n");
}
