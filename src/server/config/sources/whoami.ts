import type { OptionProblem } from "../../../errors.ts";
import type { ClaimNames } from "../../../identity/claim-mapping.ts";
import { headerNameProblem } from "../../../identity/trusted-header.ts";
import { createWhoamiIdentify } from "../../../identity/whoami.ts";
import { isPlainObject } from "../../../options/check-shape.ts";
import { type CheckSource, claimKeys, pickTexts, texts } from "./checked-source.ts";
import { isLoopback, parseUrl } from "./source-url.ts";

const at = (key: string): string => `identity.whoami.${key}`;

/** Milliseconds and questions; as the schema says. */
const usual = { cacheFor: 10_000, timeout: 5000, concurrency: 32 } as const;

/** Members of the answer by default. */
const members: ClaimNames = {
  subject: "subject",
  name: "name",
  email: "email",
  emailVerified: "emailVerified",
  groups: "groups",
  sessionId: "sessionId",
};

/** `identity.whoami`: the host application is asked. */
export const checkWhoamiSource: CheckSource = (keys) => {
  const url = typeof keys["url"] === "string" ? parseUrl(keys["url"]) : null;
  const forwardHeaders = toNames(keys["forwardHeaders"]);
  const problems = [
    ...(url === null && typeof keys["url"] === "string"
      ? [{ path: at("url"), message: "must be an address such as http://127.0.0.1:3000/me" }]
      : []),
    ...headerProblems(forwardHeaders, keys["forwardCookies"] !== undefined),
  ];
  if (url === null || problems.length > 0) return { problems };
  const number = (key: keyof typeof usual): number => {
    const value = keys[key];
    return typeof value === "number" ? value : usual[key];
  };
  const identify = createWhoamiIdentify({
    url,
    forwardHeaders,
    forwardCookies: keys["forwardCookies"] === undefined ? undefined : texts(keys["forwardCookies"]),
    cacheFor: number("cacheFor"),
    timeout: number("timeout"),
    concurrency: number("concurrency"),
    claims: { ...members, ...pickTexts(isPlainObject(keys["claims"]) ? keys["claims"] : {}, claimKeys) },
  });
  const isOpen = url.protocol !== "https:" && !isLoopback(url);
  return {
    identify,
    headerNames: forwardHeaders.filter((name) => name !== "cookie"),
    problems,
    warnings: isOpen ? [overPlainHttp] : [],
  };
};

const overPlainHttp: OptionProblem = {
  path: at("url"),
  message:
    "is http to another machine: whoever reads or changes what goes there can be anybody. Use https, or a network of your own",
};

const toNames = (value: unknown): readonly string[] =>
  value === undefined ? ["cookie"] : [...new Set(texts(value).map((name) => name.toLowerCase()))];

function headerProblems(names: readonly string[], withCookies: boolean): readonly OptionProblem[] {
  const problems = names.flatMap((name, index) => {
    const message = headerNameProblem(name);
    return message === null ? [] : [{ path: at(`forwardHeaders[${index}]`), message }];
  });
  if (names.length === 0)
    problems.push({
      path: at("forwardHeaders"),
      message: "must name what tells one user from another, such as cookie",
    });
  if (withCookies && !names.includes("cookie"))
    problems.push({
      path: at("forwardCookies"),
      message: "names cookies, but forwardHeaders leaves out cookie",
    });
  return problems;
}
