import type { OptionProblem } from "../../errors.ts";
import { checkTrustedHeader, createTrustedHeaderIdentify } from "../../identity/trusted-header.ts";
import { isPlainObject } from "../../options/check-shape.ts";
import type { SessionProxyOptions } from "../../options/session-proxy-options.ts";

/** The identity source of a configuration, and what is wrong with it. */
export interface IdentitySource {
  /** Nobody, as long as there are problems. */
  readonly identify: SessionProxyOptions["identify"];
  /** Names of the headers that it reads. */
  readonly headerNames: readonly string[];
  readonly problems: readonly OptionProblem[];
  readonly warnings: readonly OptionProblem[];
}

const textKeys = [
  "subject",
  "name",
  "email",
  "emailVerified",
  "groups",
  "groupsSeparator",
  "sessionId",
] as const;
type TextKey = (typeof textKeys)[number];

/** Makes the identity source out of a tree whose shape may still be wrong. */
export function checkIdentity(tree: Readonly<Record<string, unknown>>): IdentitySource {
  const { identity, trustedProxies } = tree;
  const nobody = (...problems: readonly OptionProblem[]): IdentitySource => ({
    identify: () => null,
    headerNames: [],
    problems,
    warnings: [],
  });
  if (!isPlainObject(identity)) return nobody();
  const names = Object.keys(identity);
  if (names.length !== 1) {
    const message = `must name exactly one source, such as trustedHeader${names.length > 1 ? `, not ${names.length}` : ""}`;
    return nobody({ path: "identity", message });
  }
  const source = identity["trustedHeader"];
  if (!isPlainObject(source)) return nobody();
  const from = texts(source["from"] ?? trustedProxies);
  const headers = pickTexts(source);
  const { problems } = checkTrustedHeader({ from, ...headers });
  const { subject } = headers;
  if (problems.length === 0 && subject !== undefined) {
    const identify = createTrustedHeaderIdentify({ from, ...headers, subject });
    const warnings = headers.email === undefined ? [noEmail] : [];
    return { identify, headerNames: identify.headerNames, problems, warnings };
  }
  return nobody(...problems.map(({ path, message }) => ({ path: toPath(path, source["from"]), message })));
}

/** facts §1.3 */
const noEmail: OptionProblem = {
  path: "identity.trustedHeader.email",
  message:
    "names no header: Qlik Cloud documents the e-mail as required. A subject that is an address is sent as the e-mail; other users may be refused",
};

/** By default the front doors whose forwarding headers count are those whose word counts. */
const toPath = (path: string, from: unknown): string =>
  path.startsWith("from[") && from === undefined
    ? path.replace("from", "trustedProxies")
    : `identity.trustedHeader.${path}`;

const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];

const pickTexts = (source: Readonly<Record<string, unknown>>): Partial<Record<TextKey, string>> =>
  Object.fromEntries(
    textKeys.filter((key) => typeof source[key] === "string").map((key) => [key, source[key]]),
  );
