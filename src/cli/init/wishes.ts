import { createInterface, type Interface } from "node:readline/promises";
import { parseListenAddress } from "../../server/config/listen-address.ts";
import type { FlagValues } from "../parse-arguments.ts";
import { UsageError } from "../verb.ts";
import { type IdentityChoice, identityChoices, toIdentityChoice } from "./identity-choices.ts";

/** What the configuration is to say. */
export interface Wishes {
  readonly tenant: string;
  readonly publicOrigin: string;
  readonly issuer: string;
  readonly listen: string;
  readonly identity: IdentityChoice;
}

/** One thing to ask for. */
interface Question {
  readonly flag: string;
  readonly text: string;
  /** What is taken where nothing is said; null where something must be said. */
  readonly otherwise: (told: Readonly<Record<string, string>>) => string | null;
  /** The answer as it is written down; null for one that cannot be. */
  readonly read: (answer: string) => string | null;
  readonly right: string;
}

/** An origin from what people paste: an address of a page, or a host name alone. */
function toOrigin(answer: string): string | null {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(answer) ? answer : `https://${answer}`;
  if (!URL.canParse(text)) return null;
  const { protocol, origin, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username + password === "" ? origin : null;
}

const questions: readonly Question[] = [
  {
    flag: "tenant",
    text: "Address of the tenant, such as https://acme.eu.qlikcloud.com",
    otherwise: () => null,
    read: toOrigin,
    right: "an address such as https://acme.eu.qlikcloud.com",
  },
  {
    flag: "public-origin",
    text: "Address of your application, as browsers see it, such as https://portal.example.com",
    otherwise: () => null,
    read: toOrigin,
    right: "an address such as https://portal.example.com",
  },
  {
    flag: "issuer",
    text: "Issuer: a name for your application that the tenant gets to know",
    otherwise: (told) => new URL(told["public-origin"] ?? "").hostname,
    read: (answer) => (/^[\x21-\x7e]{1,256}$/.test(answer) ? answer : null),
    right: "a name without spaces, such as acme-portal",
  },
  {
    flag: "listen",
    text: "Address that the proxy listens on, for your front door",
    otherwise: () => "127.0.0.1:8787",
    read: (answer) => (parseListenAddress(answer) === null ? null : answer),
    right: "an address with a port, such as 127.0.0.1:8787, or unix:/path",
  },
  {
    flag: "identity",
    text: `Who says who the user is: ${identityChoices.join(", ")}`,
    otherwise: () => "trustedHeader",
    read: toIdentityChoice,
    right: identityChoices.join(", "),
  },
];

/** The flags that answer the questions. */
export const wishFlags: readonly string[] = questions.map(({ flag }) => flag);

/** Takes what the flags say, and asks for the rest unless defaults will do. @throws UsageError */
export async function collectWishes(flags: FlagValues, takeDefaults: boolean): Promise<Wishes> {
  const told: Record<string, string> = {};
  const terminal = takeDefaults
    ? undefined
    : createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  const lines = terminal === undefined ? undefined : terminal[Symbol.asyncIterator]();
  try {
    for (const question of questions) {
      const given = flags[question.flag];
      told[question.flag] =
        typeof given === "string" ? readFlag(question, given) : await answerTo(question, { told, lines });
    }
  } finally {
    terminal?.close();
  }
  return {
    tenant: told["tenant"] ?? "",
    publicOrigin: told["public-origin"] ?? "",
    issuer: told["issuer"] ?? "",
    listen: told["listen"] ?? "",
    identity: (told["identity"] ?? "trustedHeader") as IdentityChoice,
  };
}

function readFlag({ flag, read, right }: Question, given: string): string {
  const value = read(given);
  if (value === null) throw new UsageError(`--${flag} must be ${right}`);
  return value;
}

interface Asking {
  readonly told: Readonly<Record<string, string>>;
  readonly lines: ReturnType<Interface[typeof Symbol.asyncIterator]> | undefined;
}

async function answerTo(question: Question, { told, lines }: Asking): Promise<string> {
  const standard = question.otherwise(told);
  if (lines === undefined) {
    if (standard === null) throw new UsageError(`init needs --${question.flag}, ${question.right}`);
    return standard;
  }
  for (;;) {
    process.stderr.write(`${question.text}${standard === null ? "" : ` [${standard}]`}: `);
    const { value, done } = await lines.next();
    if (done === true)
      throw new UsageError(`nobody answers; give --${question.flag}, or --yes for the defaults`);
    const answer = String(value).trim();
    const read = answer === "" ? standard : question.read(answer);
    if (read !== null) return read;
    process.stderr.write(`That must be ${question.right}.\n`);
  }
}
