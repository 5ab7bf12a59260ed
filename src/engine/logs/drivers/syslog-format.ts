// Syslog messages: RFC 3164, RFC 5424 with seconds or microseconds, and what local syslog sockets take (RFC 3164 without a host).

export const syslogFormats = ["", "rfc3164", "rfc5424", "rfc5424micro"] as const;
export type SyslogFormat = (typeof syslogFormats)[number];

export interface SyslogMessage {
  readonly priority: number;
  /** Milliseconds since the epoch, with fraction. */
  readonly time: number;
  readonly hostname: string;
  readonly tag: string;
  readonly pid: number;
  readonly text: string;
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const two = (value: number): string => String(value).padStart(2, "0");

/** "Jan  2 15:04:05", local time. */
function stamp(time: number): string {
  const date = new Date(time);
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${months[date.getMonth()]} ${String(date.getDate()).padStart(2)} ${clock}`;
}

/** RFC 3339 in local time, with its offset. */
function dateTime(time: number, fraction: string): string {
  const date = new Date(time);
  const west = date.getTimezoneOffset();
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  const minutes = Math.abs(west);
  const offset = `${west > 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  return `${day}T${clock}${fraction}${west === 0 ? "Z" : offset}`;
}

/** Without framing; the tag is the application's name and the message's id, as rsyslog's templates expect. */
export function formatSyslog(format: SyslogFormat, message: SyslogMessage): string {
  const { priority, time, hostname, tag, pid, text } = message;
  switch (format) {
    case "":
      return `<${priority}>${stamp(time)} ${tag}[${pid}]: ${text}\n`;
    case "rfc3164":
      return `<${priority}>${stamp(time)} ${hostname} ${tag}[${pid}]: ${text}\n`;
    case "rfc5424":
    case "rfc5424micro": {
      const micro = Math.floor((time * 1000) % 1_000_000);
      const fraction = format === "rfc5424" ? "" : `.${String(micro).padStart(6, "0")}`;
      return `<${priority}>1 ${dateTime(time, fraction)} ${hostname} ${tag} ${pid} ${tag} - ${text}\n`;
    }
    default:
      return format satisfies never;
  }
}
