import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { wire } from "../../support/kind-on-the-wire.ts";
import { type NamedCall, type NamedUpgrade, startNamedTenant } from "../../support/named-tenant.ts";

/** A tenant whose every cookie and token is another canary, and that does at each path what could make them come out. */
export interface CanaryTenant {
  readonly origin: string;
  /** Every secret that it has given or was given, so far. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Everything that reached it: addresses, headers. */
  readonly received: readonly string[];
  /** Forgets every session. */
  forgetAll(): void;
  close(): Promise<void>;
}

/** What the tenant answers to the login of these users; some answers repeat what it was asked with. */
const refusals: Readonly<Record<string, (response: ServerResponse, told: string) => void>> = {
  disabled: (response) => {
    response.writeHead(403, { "content-type": "application/json" }).end('{"errors":[{"code":"AUTH-5"}]}');
  },
  mistaken: (response, told) => {
    const errors = [{ code: "AUTH-1", title: told, detail: `JWT_LOGIN_VALIDATIONS ${told}` }];
    response.writeHead(401, { "content-type": "application/json" }).end(JSON.stringify({ errors }));
  },
  throttled: (response, told) => {
    response.writeHead(429, { "retry-after": "1", "x-token": told }).end(told);
  },
  unheard: () => {},
};

/** Starts a tenant of canaries, of the kind that the suite runs with, which knows this OAuth client. */
export async function startCanaryTenant(clientSecret: string): Promise<CanaryTenant> {
  const tenant = await startNamedTenant();
  const secrets = new Map<string, string>();
  const received: string[] = [];
  const sessions = new Set<string>();
  const tokens = new Map<string, string>();
  const keep = (what: string, value: string): string => {
    secrets.set(`${what} (${secrets.size})`, value);
    return value;
  };
  const mint = (what: string): string => keep(what, `c4n4ry-${randomBytes(12).toString("hex")}`);

  tenant.onLogin(({ subject }, response) => {
    const told = response.req.headers.authorization?.slice("Bearer ".length) ?? clientSecret;
    if (told !== clientSecret) keepAssertion(told, keep);
    received.push(JSON.stringify(response.req.rawHeaders));
    const refuse = refusals[subject.split("-").at(-1) ?? ""];
    if (refuse) {
      refuse(response, told);
      return false;
    }
    const session = mint("session");
    sessions.add(session);
    const { status, headers, body } = wire.signedIn(session, mint("CSRF token of a login"));
    const signed = headers.map((each) => each.replace("raw-signature", () => mint("signature")));
    const balancer = `AWSALB=${mint("AWSALB")}; Path=/`;
    response.writeHead(status, [...signed, "set-cookie", balancer]).end(body);
    return false;
  });

  tenant.onCall((call) => {
    received.push(call.url, JSON.stringify(call.request.rawHeaders));
    if (tenant.lost.has(call.session) || call.url === wire.logoutPath) return true;
    if (call.url !== wire.tokenPath) return (answers[call.url] ?? plainAnswer)(call, mint);
    tokens.set(call.session, mint("CSRF token"));
    call.response.writeHead(204, { "qlik-csrf-token": tokens.get(call.session) }).end();
    return false;
  });
  tenant.onUpgrade((upgrade) => {
    received.push(String(upgrade.request.url), JSON.stringify(upgrade.request.rawHeaders));
    answerUpgrade(upgrade, mint);
  });
  return {
    origin: tenant.origin,
    secrets,
    received,
    forgetAll: () => {
      for (const session of sessions) tenant.lost.add(session);
    },
    close: () => tenant.close(),
  };
}

type Mint = (what: string) => string;

/** What of a signed token nobody may see. */
function keepAssertion(token: string, keep: (what: string, value: string) => string): void {
  const [, payload = "", signature = ""] = token.split(".");
  const { jti } = JSON.parse(Buffer.from(payload, "base64url").toString()) as { readonly jti?: string };
  if (jti !== undefined) keep("jti", jti);
  keep("payload of an assertion", payload);
  keep("signature of an assertion", signature);
}

const plainAnswer = ({ response }: NamedCall): false => {
  response.writeHead(200, { "content-type": "application/json" }).end('{"data":[]}');
  return false;
};

/** What happens at these addresses; false means that it was answered. */
const answers: Readonly<Record<string, (call: NamedCall, mint: Mint) => false>> = {
  "/api/v1/items/headers": ({ response }, mint) => {
    response
      .writeHead(200, {
        "content-type": "application/json",
        "set-cookie": [
          `eas.later=${mint("a later cookie")}; Path=/`,
          `odd=${mint("an odd cookie")}; Domain=x`,
        ],
        "qlik-csrf-token": mint("a token in passing"),
        "server-timing": `x;desc="${mint("a timing")}"`,
        "www-authenticate": `Bearer realm="${mint("a realm")}"`,
        "x-envoy-cookie": mint("an internal header"),
      })
      .end('{"data":[]}');
    return false;
  },
  "/api/v1/items/broken": ({ response }, mint) => {
    const cookie = `eas.sid=${mint("a cookie in a broken head")}`;
    response.socket?.end(
      `HTTP/1.1 200 OK\r\nSet-Cookie: ${cookie}\r\nbro\0ken: x\r\nCookie: ${cookie}\r\n\r\n`,
    );
    return false;
  },
  "/api/v1/items/cut": ({ response }) => {
    response.writeHead(200, { "content-type": "text/plain", "content-length": 10 }).write("half");
    response.socket?.resetAndDestroy();
    return false;
  },
  "/api/v1/items/silent": () => false,
  "/api/v1/items/expired": ({ response }, mint) => {
    const cookie = `eas.sid=${mint("an anonymous cookie")}; Path=/`;
    response.writeHead(302, { location: "/login", "set-cookie": cookie }).end();
    return false;
  },
};

function answerUpgrade({ request, session, socket, accept }: NamedUpgrade, mint: Mint): void {
  const url = (request.url ?? "").slice(wire.base.length);
  const [path = ""] = url.split("?");
  const said = `no ${url} ${request.headers.authorization ?? ""}`;
  const refuse = (body: Buffer, ...headers: readonly string[]): void => {
    const cookie = `Set-Cookie: eas.ws=${mint("a cookie of a refusal")}; Path=/`;
    const lines = ["HTTP/1.1 403 Forbidden", cookie, ...headers, `Content-Length: ${body.length}`];
    socket.end(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), body]));
  };
  if (path === "/app/echo") return refuse(Buffer.from(said));
  if (path === "/app/packed") return refuse(gzipSync(said), "Content-Encoding: gzip");
  if (path === "/app/broken") {
    socket.end(`HTTP/1.1 101 x\r\nSet-Cookie: eas.sid=${session}\r\nbro\0ken: ${session}\r\n\r\n`);
    return;
  }
  accept();
  socket.write(Buffer.from("\u0081\u0005hello", "latin1"));
}
