import { OidcBrowser } from "../support/oidc-world.ts";
import { clientId, clientSecret, startOpenIdProvider } from "../support/openid-provider.ts";
import { servedHost } from "../support/served-proxy.ts";
import { startTokenIssuer } from "../support/token-issuer.ts";
import { startWhoamiApp } from "../support/whoami-app.ts";
import type { Credentials, IdentityStack, IdentityStackOptions } from "./identity-stack.ts";

/** A user as the application knows them. */
export interface Person {
  readonly subject: string;
  readonly name: string;
  readonly email: string;
  readonly groups: readonly string[];
  /** The application's own session; each sign-in makes a new one. Where the proxy signs people in, it makes its own. */
  readonly sessionId: string;
}

/** An identity source with all that stands behind it. */
export interface RunningSource {
  /** Lines of the configuration below `identity`. */
  readonly lines: string;
  /** What it needs beside these lines. */
  readonly beside?: IdentityStackOptions;
  /** Signs a user in, and says what their browser sends from then on. */
  signIn(person: Person, stack: IdentityStack): Promise<Credentials>;
  /** What an attacker may send to `stack` who is not signed in, or claims to be somebody else. */
  forged(stack: IdentityStack): Promise<readonly Credentials[]>;
  close(): Promise<void>;
}

/** The sources that have to pass the common suite, each with how to start it. */
export const identitySources: Readonly<Record<string, () => Promise<RunningSource>>> = {
  trustedHeader: async () => ({
    lines: `  trustedHeader: { from: [127.0.0.1], subject: X-User-Sub, name: X-User-Name, email: X-User-Email, groups: X-User-Groups, sessionId: X-User-Session }`,
    signIn: async ({ subject, name, email, groups, sessionId }) => ({
      "x-user-sub": onWire(subject),
      "x-user-name": onWire(name),
      "x-user-email": email,
      "x-user-groups": onWire(JSON.stringify(groups)),
      "x-user-session": sessionId,
    }),
    // The front door takes these headers from whoever does not come through it; the peer is believed here.
    forged: async () => [{ "x-user-sub": "" }, { "x-user-sub": ["ann", "admin"] }, { x_user_sub: "ann" }],
    close: async () => {},
  }),
  "bearer in a header": () =>
    startBearer("header: Authorization", (token) => ({ authorization: `Bearer ${token}` })),
  "bearer in a cookie": () =>
    startBearer("cookie: token", (token) => ({ cookie: `theme=dark; token=${token}` })),
  whoami: async () => {
    const app = await startWhoamiApp();
    return {
      lines: `  whoami: { url: "${app.url}", forwardHeaders: [cookie] }`,
      async signIn({ sessionId, ...person }) {
        app.users.set(`s-${sessionId}`, { ...person, sessionId });
        return { cookie: `theme=dark; app=s-${sessionId}` };
      },
      forged: async () => [
        { cookie: "app=made-up" },
        { cookie: "theme=dark" },
        { authorization: "Bearer made-up" },
      ],
      close: () => app.close(),
    };
  },
  oidc: startOidc,
};

/** As HTTP carries what is not ASCII: the bytes of UTF-8, one character each. */
const onWire = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

async function startBearer(place: string, send: (token: string) => Credentials): Promise<RunningSource> {
  const provider = await startTokenIssuer();
  const { issuer, audience, jwksUrl } = provider;
  const signed = await provider.token({ sub: "ann" });
  const [head = "", , signature = ""] = signed.split(".");
  const payload = Buffer.from(JSON.stringify({ sub: "admin", iss: issuer, aud: audience, exp: 9e9 }));
  return {
    lines: `  bearer: { ${place}, jwksUrl: "${jwksUrl}", issuer: "${issuer}", audience: "${audience}" }`,
    signIn: async ({ subject, name, email, groups, sessionId }) =>
      send(await provider.token({ sub: subject, name, email, groups, sid: sessionId })),
    forged: async () => [
      send(`${head}.${payload.toString("base64url")}.${signature}`),
      send("made-up"),
      send(await provider.token({ sub: "ann", exp: 1 })),
    ],
    close: () => provider.close(),
  };
}

const publicOrigin = `https://${servedHost}`;

async function startOidc(): Promise<RunningSource> {
  const provider = await startOpenIdProvider();
  provider.serve(`${publicOrigin}/qlik`);
  return {
    lines: `  oidc: { issuer: "${provider.issuer}", clientId: ${clientId}, clientSecretFile: client-secret }`,
    beside: { unsafe: ["plainHttpPublic"], files: { "client-secret": clientSecret } },
    async signIn({ subject, name, email, groups }, stack) {
      provider.people.set(subject, { name, email, email_verified: true, groups });
      return sendCookies(["theme", "dark"], await cookieOf(subject, stack, "signed in"));
    },
    async forged(stack) {
      const [name, ann] = await cookieOf("ann", stack, "signed in");
      const [, bob] = await cookieOf("bob", stack, "signed in");
      const [pendingName, pending] = await cookieOf("ann", stack, "at the provider");
      return [
        sendCookies([name, "made-up"]),
        sendCookies([name, changedInTheMiddle(ann)]),
        sendCookies([name, ann], [name, bob]),
        // As a site beside this one could set it.
        sendCookies([name.replace("__Host-", ""), ann]),
        sendCookies([pendingName, pending]),
        sendCookies([name, pending]),
      ];
    },
    close: () => provider.close(),
  };
}

type Cookie = readonly [name: string, value: string];

/** The proxy's cookie at a new browser, whose person is signed in, or is still on the way. */
async function cookieOf(
  who: string,
  { server }: IdentityStack,
  stage: "signed in" | "at the provider",
): Promise<Cookie> {
  const browser = new OidcBrowser(publicOrigin);
  // Nothing listens at the public origin: what is sent there goes to the server, as a front door leads it.
  const ask = { at: { origin: server.url } };
  await (stage === "signed in" ? browser.signIn(who, "/", ask) : browser.wayBack(who, "/", ask));
  const [cookie, ...more] = await browser.cookies();
  if (cookie === undefined || more.length > 0) throw new Error(`not one cookie of somebody ${stage}`);
  return cookie;
}

const sendCookies = (...cookies: readonly Cookie[]): Credentials => ({
  cookie: cookies.map((cookie) => cookie.join("=")).join("; "),
});

function changedInTheMiddle(text: string): string {
  const middle = Math.floor(text.length / 2);
  return text.slice(0, middle) + (text[middle] === "A" ? "B" : "A") + text.slice(middle + 1);
}
