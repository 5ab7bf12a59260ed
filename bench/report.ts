// bench/RESULTS.md from the figures.

import { execFileSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { advantage, median, type PairedFigures } from "./pair.ts";

export interface Target {
  readonly text: string;
  /** theirs/ours must be at least this. */
  readonly advantage: number;
}

export interface Row extends PairedFigures {
  readonly target?: Target;
}

const show = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(1));

function resultLine(row: Row): string {
  const ratio = advantage(row);
  const verdict = row.target === undefined ? "" : ratio >= row.target.advantage ? "met" : "**missed**";
  const cells = [
    row.name,
    row.unit,
    `${show(Math.min(...row.ours))} / ${show(median(row.ours))}`,
    `${show(Math.min(...row.theirs))} / ${show(median(row.theirs))}`,
    `${ratio.toFixed(2)} x`,
    row.target?.text ?? "",
    verdict,
  ];
  return `| ${cells.join(" | ")} |`;
}

const version = (program: string): string =>
  execFileSync(program, ["--version"], { encoding: "utf8" }).trim().split("\n")[0] ?? "";

export const renderRows = (rows: readonly Row[]): string =>
  [
    "| what | unit | Gantry | the real one | ratio | target | |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...rows.map(resultLine),
  ].join("\n");

export function renderReport(rows: readonly Row[], notes: string): string {
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, kernel ${release()}`;
  return `${[
    "# Measured against the real thing",
    "",
    "Written by `node bench/bench.ts` (as root, after `npm ci`): the same real docker client drives gantryd and a real dockerd,",
    "each in a network namespace of its own, in turns (ours, theirs, ours, …), so that a drift of the machine's speed hits both alike.",
    "Times are minimum / median of all rounds; the ratio is the median of theirs / ours, pair by pair.",
    "",
    `- date: ${new Date().toISOString().slice(0, 10)}`,
    `- machine: ${machine}`,
    `- client: ${version("docker")}; peer: ${version("dockerd")}, ${version("containerd")}, ${version("runc")}`,
    "",
    renderRows(rows),
    "",
    notes.trim(),
  ].join("\n")}\n`;
}
