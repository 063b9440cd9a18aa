import { generateKeyPairSync } from "node:crypto";
import type { Browser, Page } from "playwright-core";
import { generate } from "selfsigned";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import { createStandaloneServer, type StandaloneServer } from "../../src/server.ts";
import { freePort } from "../cli/command.ts";
import { type ConfigFolder, createConfigFolder, loaded } from "../config/config-folder.ts";
import {
  clientId,
  clientSecret,
  type OpenIdProvider,
  startOpenIdProvider,
} from "../support/openid-provider.ts";
import { launchChromium, newProfile } from "./chromium.ts";

let folder: ConfigFolder;
let provider: OpenIdProvider;
let tenant: TenantEmulator;
let server: StandaloneServer;
let browser: Browser;
let origin: string;

beforeAll(async () => {
  folder = createConfigFolder();
  provider = await startOpenIdProvider();
  const pair = generateKeyPairSync("ec", { namedCurve: "P-384" });
  tenant = await createTenantEmulator({
    plainHttp: true,
    identityProviders: [
      {
        issuer: "acme-portal",
        keyId: "2026-01",
        pem: pair.publicKey.export({ type: "spki", format: "pem" }).toString(),
      },
    ],
  });
  const tls = await generate([{ name: "commonName", value: "portal.localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
  });
  folder.write("cert.pem", tls.cert);
  folder.write("tls.pem", tls.private);
  folder.write("key.pem", pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  folder.write("client-secret", clientSecret);
  const port = await freePort();
  origin = `https://portal.localhost:${port}`;
  provider.serve(`${origin}/qlik`);
  const file = folder.write(
    "config.yaml",
    `
listen: 127.0.0.1:${port}
publicOrigin: ${origin}
tls: { certFile: cert.pem, keyFile: tls.pem }
tenant:
  origin: ${tenant.origin}
  signingKeys: [{ issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem }]
identity:
  oidc: { issuer: "${provider.issuer}", clientId: ${clientId}, clientSecretFile: client-secret, afterLogout: "${origin}/qlik/after-logout" }
unsafe: { plainHttpTenant: true, plainHttpPublic: true }
`,
  );
  server = await createStandaloneServer(loaded({ file }).config);
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
  await tenant?.close();
  await provider?.close();
  folder?.remove();
});

const status = "/qlik/_session";

/** Opens a page of the proxy's that only the signed-in see; says at the provider who it is, if it asks. */
async function signIn(page: Page, who: string): Promise<void> {
  await page.goto(`${origin}/qlik/login?returnto=${encodeURIComponent(status)}`);
  await page.getByRole("link", { name: who }).click();
  await page.waitForURL(origin + status);
  expect(await page.textContent("body")).toContain('"authenticated":true');
}

/** Opens a socket on a page and waits for the engine's first message; it notes how it is closed. */
const openSocket = (page: Page): Promise<string> =>
  page.evaluate(
    (address) =>
      new Promise<string>((resolve, reject) => {
        const socket = new WebSocket(address);
        const notes = globalThis as unknown as { socketEnd: Promise<number> };
        notes.socketEnd = new Promise((settle) =>
          socket.addEventListener("close", ({ code }) => settle(code)),
        );
        socket.addEventListener("message", ({ data }) => resolve(String(data)), { once: true });
        socket.addEventListener("error", () => reject(new Error("refused")));
      }),
    `${origin.replace("https", "wss")}/qlik/app/engineData`,
  );

const closedWith = (page: Page): Promise<number> =>
  page.evaluate(() => (globalThis as unknown as { socketEnd: Promise<number> }).socketEnd);

const rest = (page: Page): Promise<number> =>
  page.evaluate(async () => (await fetch("/qlik/api/v1/items?limit=2")).status);

test("a person signs in at the provider, works, is logged out by it, comes back, and leaves for good", async () => {
  const context = await newProfile(browser);
  const page = await context.newPage();
  await signIn(page, "Ann");
  expect(await rest(page)).toBe(200);
  expect(await openSocket(page)).toContain("OnConnected");
  const [cookie, ...more] = await context.cookies(origin);
  expect(more).toEqual([]);
  expect(cookie).toMatchObject({
    name: "__Host-qsp-qlik",
    path: "/",
    httpOnly: true,
    secure: true,
    sameSite: "Lax",
  });
  expect(await page.evaluate("document.cookie")).toBe("");

  const elsewhere = await context.newPage();
  await elsewhere.goto(`${provider.issuer}/session/end`);
  await elsewhere.getByRole("button", { name: "Yes" }).click();
  expect(await closedWith(page)).toBe(4203);
  expect(provider.backChannel).toEqual([200]);
  expect(await rest(page)).toBe(401);

  await signIn(page, "Bob");
  expect(await rest(page)).toBe(200);
  await openSocket(page);
  await elsewhere.goto(`${origin}/qlik/logout`);
  await elsewhere.getByRole("button", { name: "Sign out" }).click();
  expect(await closedWith(page)).toBe(4203);
  // The page leads on to the provider, which ends its own session and leads back.
  await elsewhere.getByRole("button", { name: "Yes" }).click();
  await elsewhere.waitForURL(`${origin}/qlik/after-logout*`);
  expect(await context.cookies(origin)).toEqual([]);
  // It asks again who it is, as nobody is signed in there any more.
  await signIn(page, "Ann");
  await context.close();
}, 60_000);
