// MAC addresses of six bytes as text.

const NOTATIONS = [
  /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/,
  /^[0-9a-f]{2}(?:-[0-9a-f]{2}){5}$/,
  /^[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}$/,
];

/** "02:42:ac:11:00:02", also from "02-42-AC-11-00-02" and "0242.ac11.0002" as Go reads them; undefined for anything else. */
export function findMac(text: string): string | undefined {
  const lower = text.toLowerCase();
  if (!NOTATIONS.some((notation) => notation.test(lower))) return undefined;
  return lower.replaceAll(/[:.-]/g, "").replaceAll(/..(?=.)/g, "$&:");
}
