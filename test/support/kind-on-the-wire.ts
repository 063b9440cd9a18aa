import type { TenantEmulatorKind } from "../../src/emulator.ts";
import { tenantKind } from "./tenant-kind.ts";

/** A request as it stands on the wire. */
export interface WireRequest {
  readonly method: string;
  /** Path and query within the tenant. */
  readonly path: string;
  /** Bytes of the body, one character each. */
  readonly body: string;
  header(name: string): string | undefined;
}

/** An answer in full. */
export interface WireAnswer {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: string;
}

/** Whose session is begun, and by what. */
export interface WireLogin {
  readonly subject: string;
  readonly name: string;
  readonly groups: readonly string[];
  /** Of the key that signed; the client's id where nothing is signed. */
  readonly keyId: string;
}

/**
 * How a kind of tenant speaks, for tenants of a test's own: written from the facts and not from the proxy, so that it is a
 * witness. facts §2, §9, §10
 */
export interface KindOnTheWire {
  readonly kind: TenantEmulatorKind;
  /** Path below which everything is; "" for none. */
  readonly base: string;
  /** Paths within the tenant that the proxy asks for itself. */
  readonly ownPaths: readonly string[];
  readonly logoutPath: string;
  /** What is asked to learn whether a session lives. */
  readonly probePath: string;
  /** The session that a request shows; undefined for none. */
  sessionOf(request: Omit<WireRequest, "method">): string | undefined;
  /** What a request of that session shows: its names and values, nothing more and nothing less. */
  shownBy(session: string, token: string): readonly (readonly [name: string, value: string])[];
  /** Whether the first CSRF token has to be asked for. */
  readonly fetchesToken: boolean;
  /** Where a CSRF token travels. */
  readonly token: { readonly inRequests: boolean; readonly inUpgrades: boolean };
  /** Who is to be signed in; null for any other request. */
  login(request: WireRequest): WireLogin | null;
  /** Whether a login says more of a user than the subject. */
  readonly namesUsers: boolean;
  signedIn(session: string, token: string): WireAnswer;
  /** The request with a CSRF token in its answer; null where there is none. */
  readonly tokenPath: string | null;
  /** Whether upgrades name an origin, one of the tenant's list; elsewhere they name none. */
  readonly wantsOrigin: boolean;
  /** Parameters by which the tenant would take a browser's word for the proxy's. */
  readonly parameters: readonly string[];
  /** Where a request that came is within the tenant: undefined for what no tenant of this kind would take. */
  within(target: string, header: WireRequest["header"]): string | undefined;
  /** The target that it came with: the other way round, byte for byte. */
  target(path: string, header: WireRequest["header"]): string;
}

const partOf = (token: string, index: number): unknown =>
  JSON.parse(Buffer.from(token.split(".")[index] ?? "", "base64url").toString());

/** What a signed token says; nobody checks its signature here. */
function signedLogin(header: string, subjectClaim: string): WireLogin {
  const token = header.replace("Bearer ", "");
  const { kid } = partOf(token, 0) as { readonly kid: string };
  const claims = partOf(token, 1) as Readonly<Record<string, unknown>>;
  return {
    subject: String(claims[subjectClaim]),
    name: String(claims["name"]),
    groups: (claims["groups"] ?? []) as readonly string[],
    keyId: kid,
  };
}

const jsonIn = (body: string): unknown => JSON.parse(Buffer.from(body, "latin1").toString());

const cookieOf = ({ header }: Pick<WireRequest, "header">, name: string): string | undefined =>
  header("cookie")
    ?.split("; ")
    .find((each) => each.startsWith(`${name}=`))
    ?.slice(name.length + 1);

const atCloud: Pick<KindOnTheWire, "base" | "within" | "target" | "parameters" | "wantsOrigin"> = {
  base: "",
  wantsOrigin: false,
  parameters: ["qlik-csrf-token", "qlik-web-integration-id", "accessToken"],
  within: (target) => target,
  target: (path) => path,
};

/** facts §2, §3 */
const cloudJwt: KindOnTheWire = {
  ...atCloud,
  kind: "qlik-cloud-jwt",
  fetchesToken: true,
  namesUsers: true,
  ownPaths: ["/login/jwt-session", "/logout", "/api/v1/csrf-token"],
  logoutPath: "/logout",
  probePath: "/api/v1/users/me",
  tokenPath: "/api/v1/csrf-token",
  token: { inRequests: true, inUpgrades: true },
  sessionOf: (request) => cookieOf(request, "eas.sid"),
  shownBy: (session, token) => [
    ["cookie", `eas.sid=${session}; eas.sid.sig=raw-signature; _csrfToken=${token}`],
  ],
  login: ({ path, header }) =>
    path === "/login/jwt-session" ? signedLogin(header("authorization") ?? "", "sub") : null,
  signedIn: (session, token) => ({
    status: 200,
    headers: [
      ...["content-type", "application/json"],
      ...["set-cookie", `eas.sid=${session}; Path=/; HttpOnly`],
      ...["set-cookie", "eas.sid.sig=raw-signature; Path=/; HttpOnly"],
      ...["set-cookie", `_csrfToken=${token}; Path=/; HttpOnly`],
    ],
    body: "{}",
  }),
};

/** facts §9 */
const cloudOauth: KindOnTheWire = {
  ...atCloud,
  kind: "qlik-cloud-oauth",
  fetchesToken: false,
  namesUsers: false,
  ownPaths: ["/oauth/token", "/oauth/revoke"],
  logoutPath: "/oauth/revoke",
  probePath: "/api/v1/users/me",
  tokenPath: null,
  token: { inRequests: false, inUpgrades: false },
  // What ends a session names it in its body.
  sessionOf: ({ path, body, header }) =>
    path === "/oauth/revoke"
      ? (jsonIn(body) as { readonly token: string }).token
      : /^Bearer (.+)$/.exec(header("authorization") ?? "")?.[1],
  shownBy: (session) => [["authorization", `Bearer ${session}`]],
  login({ path, body }) {
    if (path !== "/oauth/token") return null;
    const { client_id: keyId, user_lookup: user } = jsonIn(body) as {
      readonly client_id: string;
      readonly user_lookup: { readonly value: string };
    };
    return { subject: user.value, name: "", groups: [], keyId };
  },
  signedIn: (session) => ({
    status: 200,
    headers: ["content-type", "application/json"],
    body: JSON.stringify({ access_token: session, token_type: "bearer", expires_in: 21_600 }),
  }),
};

const senseBase = "/jwt";
const senseCookie = "X-Qlik-Session-jwt";
const xrfKey = /^[A-Za-z0-9]{16}$/;

/** facts §10 */
const senseJwt: KindOnTheWire = {
  kind: "qlik-sense-jwt",
  fetchesToken: false,
  namesUsers: true,
  base: senseBase,
  wantsOrigin: true,
  ownPaths: ["/qps/csrftoken", "/qps/user"],
  logoutPath: "/qps/user",
  probePath: "/qps/csrftoken",
  tokenPath: "/qps/csrftoken",
  token: { inRequests: false, inUpgrades: true },
  parameters: ["qlik-csrf-token", "xrfkey", "qlikTicket"],
  sessionOf: (request) => cookieOf(request, senseCookie),
  shownBy: (session) => [["cookie", `${senseCookie}=${session}`]],
  // The same path without a token asks for another CSRF token.
  login({ path, header }) {
    const token = header("authorization");
    return path === "/qps/csrftoken" && token !== undefined ? signedLogin(token, "userId") : null;
  },
  signedIn: (session, token) => ({
    status: 204,
    headers: ["set-cookie", `${senseCookie}=${session}; Path=/; HttpOnly`, "qlik-csrf-token", token],
    body: "",
  }),
  // Everything is below the virtual proxy, and says the key twice. facts §10.1
  within(target, header) {
    const key = header("x-qlik-xrfkey") ?? "";
    if (!target.startsWith(`${senseBase}/`) || !xrfKey.test(key)) return undefined;
    const pair = `xrfkey=${key}`;
    const at = target.indexOf(pair);
    if (at === -1 || target.includes("xrfkey", at + pair.length)) return undefined;
    const before = target.slice(senseBase.length, at - 1);
    const behind = target.slice(at + pair.length);
    return behind === "" ? before : `${before}${target[at - 1]}${behind.slice(1)}`;
  },
  target(path, header) {
    const joint = path.includes("?") ? (/[?&]$/.test(path) ? "" : "&") : "?";
    return `${senseBase}${path}${joint}xrfkey=${header("x-qlik-xrfkey")}`;
  },
};

/** How each kind speaks. */
export const kindsOnTheWire: Readonly<Record<TenantEmulatorKind, KindOnTheWire>> = {
  "qlik-cloud-jwt": cloudJwt,
  "qlik-cloud-oauth": cloudOauth,
  "qlik-sense-jwt": senseJwt,
};

/** How the kind speaks that whole suites are run with. */
export const wire: KindOnTheWire = kindsOnTheWire[tenantKind];
