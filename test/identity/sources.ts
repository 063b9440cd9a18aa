import { startTokenIssuer } from "../support/token-issuer.ts";
import { startWhoamiApp } from "../support/whoami-app.ts";
import type { Credentials } from "./identity-stack.ts";

/** A user as the application knows them. */
export interface Person {
  readonly subject: string;
  readonly name: string;
  readonly email: string;
  readonly groups: readonly string[];
  /** The application's own session; each sign-in makes a new one. */
  readonly sessionId: string;
}

/** An identity source with all that stands behind it. */
export interface RunningSource {
  /** Lines of the configuration below `identity`. */
  readonly lines: string;
  /** Signs a user in, and says what their browser sends from then on. */
  signIn(person: Person): Promise<Credentials>;
  /** What an attacker may send who is not signed in, or claims to be somebody else. */
  readonly forged: readonly Credentials[];
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
    forged: [{ "x-user-sub": "" }, { "x-user-sub": ["ann", "admin"] }, { x_user_sub: "ann" }],
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
      forged: [{ cookie: "app=made-up" }, { cookie: "theme=dark" }, { authorization: "Bearer made-up" }],
      close: () => app.close(),
    };
  },
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
    forged: [
      send(`${head}.${payload.toString("base64url")}.${signature}`),
      send("made-up"),
      send(await provider.token({ sub: "ann", exp: 1 })),
    ],
    close: () => provider.close(),
  };
}
