import { generateKeyPairSync, sign } from "node:crypto";
import { refuseInProduction } from "./refuse-production.ts";
import { toIdentity, type TestUser } from "./test-users.ts";

/** How a test issuer is made; everything has a default. */
export interface TestIssuerOptions {
  /** `https://idp.example.com` by default. */
  readonly issuer?: string;
  /** `qlik-session-proxy` by default. */
  readonly audience?: string;
}

/** Signs tokens for a proxy with the identity source `bearer`. */
export interface TestIssuer {
  /** What `identity.bearer` of the configuration is given, beside the place of the token. */
  readonly configuration: { readonly issuer: string; readonly audience: string; readonly publicKey: string };
  /** A token that names a person. `lifetime` in milliseconds; 10 minutes by default. */
  token(user: TestUser, options?: { readonly lifetime?: number }): string;
  /** The token in the header `Authorization`. */
  signedIn(user: TestUser, options?: { readonly lifetime?: number }): Readonly<Record<string, string>>;
}

const usualLifetime = 600_000;

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Creates an issuer with a key of its own. Its tokens live by the machine's clock, as the standalone server does. */
export function createTestIssuer(options: TestIssuerOptions = {}): TestIssuer {
  refuseInProduction("A test issuer");
  const { issuer = "https://idp.example.com", audience = "qlik-session-proxy" } = options;
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const token: TestIssuer["token"] = (user, { lifetime = usualLifetime } = {}) => {
    const { subject, name, email, emailVerified, groups, sessionId } = toIdentity(user);
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: issuer,
      aud: audience,
      iat: now,
      exp: now + Math.floor(lifetime / 1000),
      sub: subject,
      name,
      email,
      email_verified: emailVerified,
      groups,
      sid: sessionId,
    };
    const text = `${encode({ alg: "ES256", typ: "JWT" })}.${encode(claims)}`;
    const signature = sign("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" });
    return `${text}.${signature.toString("base64url")}`;
  };
  return {
    configuration: {
      issuer,
      audience,
      publicKey: String(publicKey.export({ type: "spki", format: "pem" })),
    },
    token,
    signedIn: (user, how) => ({ authorization: `Bearer ${token(user, how)}` }),
  };
}
