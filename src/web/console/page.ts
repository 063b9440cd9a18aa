/** The element of the page with an id. */
export function part<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as Kind;
}

/** Makes an element; text is set as text, whatever it is: names of people are hostile. */
export function element(name: string, className = "", ...content: readonly (Node | string)[]): HTMLElement {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  made.append(...content);
  return made;
}

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export const asNumber = (value: number): string => number.format(value);

/** Bytes, as short as they can be read. */
export function asSize(bytes: number): string {
  if (bytes < 1024) return `${asNumber(bytes)} B`;
  return bytes < 1_048_576 ? `${asNumber(bytes / 1024)} KiB` : `${asNumber(bytes / 1_048_576)} MiB`;
}

/** Milliseconds, as short as they can be read. */
export function asDuration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return `${asNumber(ms)} ms`;
  return ms < 60_000 ? `${asNumber(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

/** How long ago something was. */
export function asAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  const hours = Math.floor(seconds / 3600);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

export const asTime = (at: number): string => new Date(at).toLocaleTimeString("en-GB");
