import * as v from "valibot";
import { oidcSchema } from "./oidc-schema.ts";
import { duration, integer, list, text } from "../../options/schema.ts";

const optionalText = (): v.GenericSchema<string | undefined> => v.optional(text());

const object = <Entries extends v.ObjectEntries>(
  entries: Entries,
): v.ObjectSchema<Entries, "must be an object"> => v.object(entries, "must be an object");

const partEntries = {
  name: optionalText(),
  email: optionalText(),
  emailVerified: optionalText(),
  groups: optionalText(),
  groupsSeparator: optionalText(),
  sessionId: optionalText(),
  tenant: optionalText(),
};

/** Which claim or member holds which part of the identity, for every source that reads claims. */
const claimsSchema = v.optional(object({ subject: optionalText(), ...partEntries }));

const trustedHeaderSchema = object({ from: v.optional(list()), subject: text(), ...partEntries });

const second = 1000;
const minute = 60 * second;

const bearerSchema = object({
  header: optionalText(),
  cookie: optionalText(),
  jwksUrl: optionalText(),
  jwksCooldown: duration(30 * second, 10, 10 * minute),
  publicKey: optionalText(),
  publicKeyFile: optionalText(),
  issuer: text(),
  audience: text(),
  claims: claimsSchema,
});

const whoamiSchema = object({
  url: text(),
  forwardHeaders: v.optional(list()),
  forwardCookies: v.optional(list()),
  cacheFor: duration(10 * second, 0, 5 * minute),
  timeout: duration(5 * second, 10, minute),
  concurrency: integer(32, 1, 1000),
  claims: claimsSchema,
});

/** The identity sources and their keys; which of them there is one of, `identity-source.ts` says. */
export const identitySchema: v.GenericSchema = object({
  trustedHeader: v.optional(trustedHeaderSchema),
  bearer: v.optional(bearerSchema),
  whoami: v.optional(whoamiSchema),
  oidc: v.optional(oidcSchema),
});
