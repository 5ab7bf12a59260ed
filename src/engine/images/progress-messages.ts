// The messages of Docker's progress stream: one JSON object a line.

import { formatSize } from "#formats/units.ts";

export interface ProgressMessage {
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly progress?: string;
  readonly id?: string;
  readonly stream?: string;
  readonly aux?: unknown;
  readonly errorDetail?: { readonly message: string };
  readonly error?: string;
}

export type Emit = (message: ProgressMessage) => void;

export const statusMessage = (status: string, id?: string): ProgressMessage =>
  id === undefined ? { status } : { status, id };

/** A step of something that has a progress: `progressDetail` is there, if empty. */
export const stepMessage = (id: string, status: string): ProgressMessage => ({
  status,
  progressDetail: {},
  id,
});

export function barMessage(id: string, status: string, current: number, total: number): ProgressMessage {
  return { status, progressDetail: { current, total }, progress: formatBar(current, total), id };
}

export const retryText = (seconds: number): string =>
  `Retrying in ${seconds} second${seconds === 1 ? "" : "s"}`;

export const errorMessage = (message: string): ProgressMessage => ({
  errorDetail: { message },
  error: message,
});

const BAR = 50;

/** "[=====>      ]  1.2MB/3.4MB" */
function formatBar(current: number, total: number): string {
  if (current <= 0 && total <= 0) return "";
  const now = formatSize(current).padStart(8);
  if (total <= 0) return now;
  const filled = Math.min(BAR, Math.floor(Math.floor((current / total) * 100) / 2));
  const bar = `[${"=".repeat(filled)}>${" ".repeat(BAR - filled)}] `;
  return current > total ? `${bar}${now}` : `${bar}${now}/${formatSize(total)}`;
}

/** As Go's encoder writes it, so that the bytes match as well. */
export const encodeProgress = (message: ProgressMessage): string =>
  `${JSON.stringify(message).replace(/[<>&]/g, (found) => `\\u00${found.charCodeAt(0).toString(16)}`)}\r\n`;
