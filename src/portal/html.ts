/** Markup that is safe to send: text in it has been escaped. */
export interface Html {
  readonly markup: string;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** What may stand in a template. */
export type HtmlValue = string | number | Html | undefined | readonly HtmlValue[];

function markupOf(value: HtmlValue): string {
  if (value === undefined) return "";
  if (typeof value === "string" || typeof value === "number") return escapeText(String(value));
  return "markup" in value ? value.markup : value.map(markupOf).join("");
}

/** Builds markup from a template; every value is escaped unless it is markup itself or a list of such. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return { markup: strings.map((text, index) => text + markupOf(values[index])).join("") };
}
