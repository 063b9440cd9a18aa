import type { TrustedHeaderOptions } from "../identity/trusted-header.ts";
import { refuseInProduction } from "./refuse-production.ts";
import { toIdentity, type TestUser } from "./test-users.ts";

/** Names of the headers, as `identity.trustedHeader` of the configuration has them; `from` may stand there too. */
export type TrustedHeaderNames = Omit<TrustedHeaderOptions, "from"> &
  Partial<Pick<TrustedHeaderOptions, "from">>;

/** Bytes of UTF-8, one character each, as headers travel. */
const toHeader = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

/** The headers that a front door sets for a person, for a proxy with the identity source `trustedHeader`. */
export function trustedHeaders(user: TestUser, names: TrustedHeaderNames): Readonly<Record<string, string>> {
  refuseInProduction("trustedHeaders");
  const { subject, name, email, emailVerified, groups, sessionId } = toIdentity(user);
  const separator = names.groupsSeparator;
  const values: Readonly<Record<string, string | undefined>> = {
    [names.subject]: subject,
    ...(names.name === undefined ? {} : { [names.name]: name }),
    ...(names.email === undefined ? {} : { [names.email]: email }),
    ...(names.emailVerified === undefined ? {} : { [names.emailVerified]: emailVerified?.toString() }),
    ...(names.groups === undefined
      ? {}
      : { [names.groups]: separator === undefined ? JSON.stringify(groups ?? []) : groups?.join(separator) }),
    ...(names.sessionId === undefined ? {} : { [names.sessionId]: sessionId }),
  };
  return Object.fromEntries(
    Object.entries(values).flatMap(([header, value]) =>
      value === undefined ? [] : [[header, toHeader(value)]],
    ),
  );
}
