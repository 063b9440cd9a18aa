/** Something that came out of a server: a stream, an answer, a file. */
export interface Output {
  readonly name: string;
  /** One character a byte. */
  readonly text: string;
}

/** Values that must not come out, by what they are. */
export type Canaries = ReadonlyMap<string, string>;

/** Shorter values are found by chance. */
const shortest = 12;

/** What is left of a text in base64 wherever it begins in what was encoded: whole groups of three bytes, all three ways. */
const inBase64 = (value: string): readonly string[] =>
  [0, 1, 2].map((offset) => {
    const bytes = Buffer.from(value).subarray(offset);
    return bytes.subarray(0, bytes.length - (bytes.length % 3)).toString("base64");
  });

/** A text as its bytes, one character each. */
export const asBytes = (text: string): string => Buffer.from(text).toString("latin1");

/** Every way in which a value could be written in a line, an address, a header or a document. */
function spellings(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const base64 = inBase64(value);
  const forms = [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    bytes.toString("hex"),
    bytes.toString("utf16le"),
    value.split("").toReversed().join(""),
    ...base64,
    ...base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
  ];
  return [...new Set(forms.map(asBytes))];
}

/** Says which canary came out where, one line each. */
export function findCanaries(outputs: readonly Output[], canaries: Canaries): readonly string[] {
  const wanted = [...canaries].map(([name, value]) => {
    if (value.length < shortest) throw new Error(`${name} is too short to be looked for`);
    return { name, forms: spellings(value) };
  });
  return outputs.flatMap(({ name: output, text }) =>
    wanted
      .filter(({ forms }) => forms.some((form) => text.includes(form)))
      .map(({ name }) => `${name} in ${output}`),
  );
}
