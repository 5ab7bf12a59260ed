// Sizes, durations and amounts as Docker's users write and read them.

const DECIMAL = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"] as const;
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"] as const;

function scale(size: number, base: number, units: readonly string[]): { value: number; unit: string } {
  let value = size;
  let at = 0;
  while (value >= base && at < units.length - 1) {
    value /= base;
    at++;
  }
  return { value, unit: units[at] ?? "" };
}

/** C's %.Ng: N significant digits, no trailing zeros, an exponent when the number is at least 10^N. */
function formatSignificant(value: number, digits: number): string {
  if (value === 0) return "0";
  const exponent = Number(value.toExponential(digits - 1).split("e")[1]);
  if (exponent >= digits || exponent < -4) {
    const [mantissa = "0", power = "0"] = value.toExponential(digits - 1).split("e");
    const sign = power.startsWith("-") ? "-" : "+";
    return `${Number(mantissa)}e${sign}${power.replace(/^[+-]/, "").padStart(2, "0")}`;
  }
  return String(Number(value.toPrecision(digits)));
}

/** Powers of 1000, `digits` significant digits: 1536 is "1.536kB". */
export function formatSize(bytes: number, digits = 4): string {
  const { value, unit } = scale(bytes, 1000, DECIMAL);
  return `${formatSignificant(value, digits)}${unit}`;
}

/** Powers of 1024, four significant digits: 1536 is "1.5KiB". */
export function formatBinarySize(bytes: number): string {
  const { value, unit } = scale(bytes, 1024, BINARY);
  return `${formatSignificant(value, 4)}${unit}`;
}

const SIZE = /^(\d+(?:\.\d*)?|\.\d+) ?(?:([kmgtp])i?b?|b)?$/i;
const powerOf = (letter: string): number => "kmgtp".indexOf(letter.toLowerCase()) + 1;

/** "512m", "1.5g", "64", "1 GiB": powers of 1024, as Docker reads memory and volume sizes. Undefined when it is no size. */
export const parseBinarySize = (text: string): number | undefined => parseSize(text, 1024);

/** The same in powers of 1000, as Docker reads the sizes of log files. */
export const parseDecimalSize = (text: string): number | undefined => parseSize(text, 1000);

function parseSize(text: string, base: number): number | undefined {
  const match = SIZE.exec(text.trim());
  if (match === null) return undefined;
  const [, amount = "", letter] = match;
  return Math.trunc(Number(amount) * (letter === undefined ? 1 : base ** powerOf(letter)));
}

/** "1.5" of `--cpus` in billionths, exactly; undefined when it is no decimal number or is finer than that. */
export function parseNanoCpus(text: string): number | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign = "", whole = "", fraction = ""] = match;
  if (whole === "" && fraction === "") return undefined;
  if (/[^0]/.test(fraction.slice(9))) return undefined;
  const nano = Number(whole) * 1e9 + Number(fraction.slice(0, 9).padEnd(9, "0"));
  return sign === "-" ? -nano : nano;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;

function underTwoDays(seconds: number): string {
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < MINUTE) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / MINUTE);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  // Docker rounds hours and cuts all longer units.
  const hours = Math.floor(seconds / HOUR + 0.5);
  return hours === 1 ? "About an hour" : `${hours} hours`;
}

/** "3 seconds", "About an hour", "2 weeks" for a number of milliseconds. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  const hours = Math.floor(seconds / HOUR + 0.5);
  if (hours < 48) return underTwoDays(seconds);
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(seconds / HOUR / 24 / 365)} years`;
}

const GO_UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 6e10,
  h: 3.6e12,
};

/** Go's durations, "1h15m30.5s" or "-1.5h", in nanoseconds; undefined when it is none. */
export function parseGoDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  const match = /^([+-]?)((?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text);
  if (match === null) return undefined;
  const [, sign = "", parts = ""] = match;
  let total = 0;
  for (const [, amount = "", unit = ""] of parts.matchAll(/([\d.]+)([a-zµμ]+)/g))
    total += Number(amount) * (GO_UNITS[unit] ?? 0);
  return Math.round(sign === "-" ? -total : total);
}

const trimZeros = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

/** Nanoseconds as Go prints a duration: "1m30s", "1.5s", "200ms". */
export function formatGoDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  const sign = nanoseconds < 0 ? "-" : "";
  const size = Math.abs(nanoseconds);
  if (size < 1e3) return `${sign}${size}ns`;
  if (size < 1e6) return `${sign}${trimZeros((size / 1e3).toFixed(3))}µs`;
  if (size < 1e9) return `${sign}${trimZeros((size / 1e6).toFixed(6))}ms`;
  const hours = Math.floor(size / 3.6e12);
  const minutes = Math.floor((size % 3.6e12) / 6e10);
  const seconds = trimZeros(((size % 6e10) / 1e9).toFixed(9));
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}
