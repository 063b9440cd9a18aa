import { readFileSync } from "node:fs";
import * as v from "valibot";
import { parse, stringify } from "yaml";

/** An answer: its status, and the code of its first error, "" where there is none. */
export interface ProfileAnswer {
  readonly status: number;
  readonly code: string;
}

/** An upgrade: its status, and with 101 the code of a close that came at once. */
export interface ProfileUpgrade {
  readonly status: number;
  readonly closeCode: number | null;
}

/** A cookie: everything but its value. */
export interface ProfileCookie {
  readonly name: string;
  /** Characters of its value. */
  readonly length: number;
  readonly path: string | null;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: "None" | "Lax" | "Strict" | null;
  /** Whether it has an end of its own, and not that of the browser's session. */
  readonly lasting: boolean;
}

/** What was learned of a tenant (facts §13): lifetimes, forms and answers; no name, no address, no secret of it. */
export interface TenantProfile {
  readonly version: 1;
  readonly madeAt: string;
  /** Answers to logins with a token that is wrong, or leaves something out. */
  readonly tokens: Readonly<
    Record<
      "wrongSignature" | "unknownIssuer" | "expired" | "repeated" | "withoutSubType" | "withoutEmail",
      ProfileAnswer
    >
  >;
  readonly cookies: {
    readonly atLogin: readonly ProfileCookie[];
    readonly onEveryAnswer: readonly string[];
    readonly sessionIdRotates: boolean;
  };
  /** The tenant's own limits on sessions; null where the user may not read them. */
  readonly limits: { readonly idleMinutes: number; readonly lifetimeMinutes: number } | null;
  readonly csrf: {
    readonly tokenLength: number;
    readonly worksWithoutCsrfCookie: boolean;
    /** The answer to a POST without a token. */
    readonly refusal: ProfileAnswer;
    readonly codeAtTopLevel: boolean;
  };
  readonly rest: {
    readonly withoutSession: ProfileAnswer;
    readonly pageWithoutSession: number;
    readonly foreignOrigin: ProfileAnswer;
    readonly boot: number;
    readonly licence: ProfileAnswer;
    readonly productInfo: number;
    readonly linksWithPort: boolean;
    /** null where no groups were sent. */
    readonly takesOverGroups: boolean | null;
  };
  readonly sockets: {
    readonly tokenInHeader: ProfileUpgrade;
    readonly withoutToken: ProfileUpgrade;
    readonly withoutSession: ProfileUpgrade;
    readonly foreignOrigin: ProfileUpgrade;
    readonly cookiesWithUpgrade: readonly string[];
    /** null where the socket stayed open. */
    readonly closeCodeAfterLogout: number | null;
    readonly watchedSeconds: number;
    /** null where a socket without traffic lived as long as it was watched. */
    readonly idleCutAfterSeconds: number | null;
    readonly pingEverySeconds: number | null;
  };
  readonly logout: { readonly status: number; readonly endsSession: boolean };
}

const status = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(599));
const code = v.pipe(v.string(), v.regex(/^[A-Za-z0-9-]{0,40}$/));
const names = v.array(v.pipe(v.string(), v.regex(/^[\w.-]{1,80}$/)));
const seconds = v.pipe(v.number(), v.minValue(0));
const answer = v.object({ status, code });
const upgrade = v.object({ status, closeCode: v.nullable(v.pipe(v.number(), v.integer())) });

const cookie = v.object({
  name: v.pipe(v.string(), v.regex(/^[\w.-]{1,80}$/)),
  length: v.number(),
  path: v.nullable(v.string()),
  secure: v.boolean(),
  httpOnly: v.boolean(),
  sameSite: v.nullable(v.picklist(["None", "Lax", "Strict"])),
  lasting: v.boolean(),
});

const schema: v.GenericSchema<unknown, TenantProfile> = v.object({
  version: v.literal(1),
  madeAt: v.pipe(v.string(), v.isoTimestamp()),
  tokens: v.object({
    wrongSignature: answer,
    unknownIssuer: answer,
    expired: answer,
    repeated: answer,
    withoutSubType: answer,
    withoutEmail: answer,
  }),
  cookies: v.object({ atLogin: v.array(cookie), onEveryAnswer: names, sessionIdRotates: v.boolean() }),
  limits: v.nullable(v.object({ idleMinutes: v.number(), lifetimeMinutes: v.number() })),
  csrf: v.object({
    tokenLength: v.number(),
    worksWithoutCsrfCookie: v.boolean(),
    refusal: answer,
    codeAtTopLevel: v.boolean(),
  }),
  rest: v.object({
    withoutSession: answer,
    pageWithoutSession: status,
    foreignOrigin: answer,
    boot: status,
    licence: answer,
    productInfo: status,
    linksWithPort: v.boolean(),
    takesOverGroups: v.nullable(v.boolean()),
  }),
  sockets: v.object({
    tokenInHeader: upgrade,
    withoutToken: upgrade,
    withoutSession: upgrade,
    foreignOrigin: upgrade,
    cookiesWithUpgrade: names,
    closeCodeAfterLogout: v.nullable(v.number()),
    watchedSeconds: seconds,
    idleCutAfterSeconds: v.nullable(seconds),
    pingEverySeconds: v.nullable(seconds),
  }),
  logout: v.object({ status, endsSession: v.boolean() }),
});

/** Writes a profile as YAML. */
export const formatTenantProfile = (profile: TenantProfile): string =>
  `# What doctor --learn found out of a tenant: docs/reference/tenant-profile.md.\n${stringify(profile)}`;

/** Reads a profile; the reason in words when it is none. */
export function readTenantProfile(
  file: string,
): { readonly profile: TenantProfile } | { readonly problem: string } {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    return { problem: `cannot be read (${String((error as NodeJS.ErrnoException).code)})` };
  }
  try {
    const result = v.safeParse(schema, parse(text));
    if (result.success) return { profile: result.output };
    const [issue] = result.issues;
    return { problem: `is no tenant profile of version 1: ${v.getDotPath(issue) ?? "the whole"} is wrong` };
  } catch {
    return { problem: "is not YAML" };
  }
}
