import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type JWTPayload, SignJWT } from "jose";

/** A key of the provider. */
export interface IssuerKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** An identity provider as far as tokens go: it signs them, and publishes the keys. */
export interface TokenIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
  /** Questions for the keys so far. */
  readonly questions: number;
  /** Keys that are published; the first one signs. */
  keys: readonly IssuerKey[];
  /** Takes the place of the answer with the keys. */
  answer(handler: ((request: IncomingMessage, response: ServerResponse) => void) | null): void;
  /** A token that is right but for what is said; undefined leaves a claim out. */
  token(
    claims: Readonly<Record<string, unknown>>,
    how?: { readonly key?: IssuerKey; readonly kid?: string | null },
  ): Promise<string>;
  close(): Promise<void>;
}

/** Makes a key of the provider; RSA ones take a moment. */
export function makeIssuerKey(kid: string, alg: "ES256" | "RS256" | "EdDSA" = "ES256"): IssuerKey {
  const { privateKey, publicKey } =
    alg === "RS256"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : alg === "EdDSA"
        ? generateKeyPairSync("ed25519")
        : generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { kid, alg, privateKey, publicKey };
}

/** Seconds since the Unix epoch. */
export const seconds = (): number => Math.floor(Date.now() / 1000);

/** Starts a provider with one key. */
export async function startTokenIssuer(): Promise<TokenIssuer> {
  let questions = 0;
  let handler: ((request: IncomingMessage, response: ServerResponse) => void) | null = null;
  const server = createServer((request, response) => {
    questions += 1;
    if (handler !== null) return handler(request, response);
    const keys = provider.keys.map(({ kid, alg, publicKey }) => ({
      ...publicKey.export({ format: "jwk" }),
      kid,
      alg,
      use: "sig",
    }));
    response.setHeader("content-type", "application/json").end(JSON.stringify({ keys }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const provider: TokenIssuer = {
    issuer: "https://idp.example.com",
    audience: "analytics",
    jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    get questions() {
      return questions;
    },
    keys: [makeIssuerKey("k1")],
    answer: (next) => void (handler = next),
    async token(claims, { key = provider.keys[0] as IssuerKey, kid = key.kid } = {}) {
      const now = seconds();
      const whole = {
        iss: provider.issuer,
        aud: provider.audience,
        iat: now,
        exp: now + 600,
        ...claims,
      };
      return new SignJWT(JSON.parse(JSON.stringify(whole)) as JWTPayload)
        .setProtectedHeader({ alg: key.alg, ...(kid === null ? {} : { kid }) })
        .sign(key.privateKey);
    },
    async close() {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return provider;
}
