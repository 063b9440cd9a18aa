// Takes the pictures of the console in docs/images/: starts the built server before a local tenant, lets people work on it,
// and looks: light, dark, and as a phone shows it.
import { generateKeyPairSync } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { WebSocket } from "ws";
import { createTenantEmulator } from "../dist/emulator.js";
import { createStandaloneServer, Secret } from "../dist/server.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const token = "a-token-for-pictures-only-0123456789";
const publicOrigin = "http://portal.localhost:8443";
const { host } = new URL(publicOrigin);

const pictures = [
  { name: "console-light", viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  { name: "console-dark", viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  { name: "console-phone", viewport: { width: 390, height: 844 }, colorScheme: "light", isMobile: true },
];

/** How long people work before the first picture. Milliseconds. */
const workFor = Number(process.env["WORK_FOR"] ?? 90_000);

async function startWorld() {
  const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = (key, type) => key.export({ type, format: "pem" }).toString();
  const tenant = await createTenantEmulator({
    plainHttp: true,
    identityProviders: [{ issuer: "acme-portal", keyId: "2026-01", pem: pem(keys.publicKey, "spki") }],
  });
  const signingKey = { issuer: "acme-portal", keyId: "2026-01", privateKey: pem(keys.privateKey, "pkcs8") };
  const loopback = { host: "127.0.0.1", port: 0 };
  const server = await createStandaloneServer({
    listen: loopback,
    admin: { listen: loopback, token: new Secret(token) },
    options: {
      tenant: { origin: tenant.origin, signingKeys: [signingKey] },
      identify: ({ headers }) => {
        const name = headers["x-user"];
        const email = `${name.toLowerCase().replaceAll(/[^a-z]/g, ".")}@example.com`;
        return { subject: `acme|${email}`, name, email, groups: [] };
      },
      identityHeaders: ["x-user"],
      publicOrigin,
      secret: "a-secret-of-thirty-two-bytes-or-so",
      unsafe: { plainHttpTenant: true, plainHttpPublic: true },
    },
    drain: { delay: 0, deadline: 1000 },
  });
  return { tenant, server };
}

function get(server, user, path) {
  return new Promise((resolve) => {
    const headers = { host, "sec-fetch-site": "same-origin", "x-user": user };
    const sent = request(`${server.url}/qlik${path}`, { headers }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    });
    sent.on("error", () => resolve(""));
    sent.end();
  });
}

const people = [
  "Alice Johansson",
  "Bruno Keller",
  "Chidi Okafor",
  "Dana Levi",
  "Eun-ji Park",
  "Farid Haddad",
];
const paths = ["/api/v1/users/me", "/api/v1/items?limit=3", "/_session", "/api/v1/none"];

/** Lets people come one after the other, and each ask now and then. */
async function work({ tenant, server }, isOver) {
  const sockets = [];
  const one = async (user, index) => {
    await sleep(index * 1500);
    const apps = JSON.parse(await get(server, user, "/api/v1/items?resourceType=app"));
    const app = apps.data[index % apps.data.length].resourceId;
    sockets.push(
      new WebSocket(`${server.url.replace("http", "ws")}/qlik/app/${app}`, {
        headers: { host, origin: publicOrigin, "x-user": user },
      }),
    );
    for (let turn = index; !isOver(); turn += 1) {
      await get(server, user, paths[turn % 40 === 39 ? 3 : turn % 3]);
      await sleep(60 + 90 * Math.abs(Math.sin(turn / 25)));
    }
  };
  const working = people.map(one);
  await sleep(workFor / 3);
  tenant.fault({ kind: "status", status: 502, path: "/api/v1/items", times: 25 });
  tenant.sessions.kill("acme|bruno.keller@example.com");
  tenant.users.setStatus("acme|mallory.reed@example.com", "disabled");
  await get(server, "Mallory Reed", "/api/v1/users/me");
  await Promise.all(working);
  for (const socket of sockets) socket.terminate();
}

async function take(browser, url, { name, viewport, ...options }) {
  const context = await browser.newContext({ viewport, ...options });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => problems.push(message.text()));
  await page.goto(url);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Open the console" }).click();
  await page.locator("#people .revoke").first().waitFor();
  await page.waitForTimeout(5000);
  await page.screenshot({ path: `${root}docs/images/${name}.png`, fullPage: true });
  console.log(
    `docs/images/${name}.png`,
    problems.filter((text) => !text.includes("401")),
  );
  await context.close();
}

await mkdir(`${root}docs/images`, { recursive: true });
const world = await startWorld();
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  let isOver = false;
  const working = work(world, () => isOver);
  await sleep(workFor);
  for (const picture of pictures) await take(browser, world.server.adminUrl, picture);
  isOver = true;
  await working;
} finally {
  await browser.close();
  await world.server.close();
  await world.tenant.close();
}
