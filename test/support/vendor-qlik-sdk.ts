import { createRequire } from "node:module";

/** Settings of the SDK's client, as far as the tests use them. */
export interface SdkConfig {
  readonly host: string;
  readonly authType: "APIKey" | "JWTAuth" | "None";
  readonly apiKey?: string;
  readonly webIntegrationId?: string;
  readonly csrfToken?: string;
  readonly fetchToken?: () => Promise<string>;
}

/** A list that fetches its further pages by their links. */
interface SdkList<Item> extends ReadonlyArray<Item> {
  readonly pagination: AsyncIterable<Item>;
}

/** An object of an app. */
interface SdkObject {
  getLayout(): Promise<{
    readonly qHyperCube: {
      readonly qDataPages: readonly {
        readonly qMatrix: readonly (readonly { readonly qText: string; readonly qNum: number }[])[];
      }[];
    };
  }>;
}

/** An app, by REST and, once it is open, by the engine. */
interface SdkApp {
  readonly attributes: { readonly name: string };
  open(): Promise<void>;
  close(): Promise<void>;
  evaluate(expression: string): Promise<string>;
  createSessionObject(properties: object): Promise<SdkObject>;
  export(query?: object): Promise<string>;
}

/** The client. */
export interface Sdk {
  readonly auth: { getSessionCookie(): Promise<Response>; isAuthenticated(): Promise<boolean> };
  readonly rest: (path: string, init?: RequestInit) => Promise<Response>;
  readonly apps: { get(id: string): Promise<SdkApp> };
  readonly items: { getItems(query: object): Promise<SdkList<{ readonly name: string }>> };
  readonly users: { getMe(): Promise<{ readonly subject: string; readonly name: string }> };
}

/** What a login token says and how it is signed. */
export interface SignedTokenOptions {
  readonly sub: string;
  readonly subType: "user";
  readonly name: string;
  readonly email: string;
  readonly email_verified: true;
  readonly groups: readonly string[];
  readonly jti?: string;
  readonly expiresIn: string;
  readonly notBefore: string;
  readonly keyid: string;
  readonly issuer: string;
}

// The package has typings that its `exports` hide from node's resolution, so it is required and typed here.
const require = createRequire(import.meta.url);
const { default: Client } = require("@qlik/sdk") as { readonly default: new (config: SdkConfig) => Sdk };

/** Creates a client of the SDK. */
export function createSdk(config: SdkConfig): Sdk {
  return new Client(config);
}

/** Signs a login token as the vendor's own helper does. */
export const generateSignedToken: (options: SignedTokenOptions, privateKey: string) => string = (
  require("@qlik/sdk/generateSignedToken") as {
    readonly default: (options: SignedTokenOptions, privateKey: string) => string;
  }
).default;
