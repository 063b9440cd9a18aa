import type { OptionProblem } from "../../../errors.ts";
import { checkTrustedHeader, createTrustedHeaderIdentify } from "../../../identity/trusted-header.ts";
import { type CheckSource, pickTexts, texts } from "./checked-source.ts";

const textKeys = [
  "subject",
  "name",
  "email",
  "emailVerified",
  "groups",
  "groupsSeparator",
  "sessionId",
  "tenant",
] as const;

/** `identity.trustedHeader`: a front door that signed the user in says so in headers. */
export const checkTrustedHeaderSource: CheckSource = (keys, { trustedProxies }) => {
  const from = texts(keys["from"] ?? trustedProxies);
  const headers = pickTexts(keys, textKeys);
  const { problems } = checkTrustedHeader({ from, ...headers });
  const { subject } = headers;
  if (problems.length > 0 || subject === undefined)
    return { problems: problems.map(({ path, message }) => ({ path: toPath(path, keys["from"]), message })) };
  const identify = createTrustedHeaderIdentify({ from, ...headers, subject });
  const warnings = headers.email === undefined ? [noEmail] : [];
  return { identify, headerNames: identify.headerNames, problems, warnings };
};

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
