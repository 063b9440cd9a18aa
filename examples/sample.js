/**
 * What every example has in common and none is about: the tenant, two people, two pages. The folders beside this file show
 * what differs: where the proxy is mounted, and how the framework says who is asking.
 */
import { readFileSync } from "node:fs";

const { env } = process;
const origin = env.QLIK_TENANT ?? "http://tenant.localhost:8443";
const keyFile = env.QLIK_PRIVATE_KEY_FILE ?? new URL("keys/private-key.pem", import.meta.url);

/** Options of the proxy that have nothing to do with the framework; by default for the local tenant of tenant.yaml. */
export const proxyOptions = {
  tenant: {
    origin,
    signingKeys: [
      {
        issuer: env.QLIK_ISSUER ?? "sample-portal",
        keyId: env.QLIK_KEY_ID ?? "sample",
        privateKey: readFileSync(keyFile, "utf8"),
      },
    ],
  },
  // What browsers see where something stands in front of the example; otherwise each request says it.
  ...(env.PUBLIC_ORIGIN === undefined ? {} : { publicOrigin: env.PUBLIC_ORIGIN }),
  // The local tenant speaks plain HTTP; this is refused where NODE_ENV is production.
  unsafe: { plainHttpTenant: origin.startsWith("http:") },
};

export const port = Number(env.PORT ?? 3000);

/** Who can sign in, without a password: it is a sample. What they may see is decided in the tenant, by their groups. */
export const people = {
  alice: { subject: "alice@example.test", name: "Alice Johansson", groups: ["Sales EMEA"] },
  bruno: { subject: "bruno@example.test", name: "Bruno Keller", groups: ["Sales Americas"] },
};

const embedScript =
  env.EMBED_SCRIPT ?? "https://cdn.jsdelivr.net/npm/@qlik/embed-web-components@1/dist/index.min.js";
const appId = env.APP_ID ?? "8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10";
const objectId = env.OBJECT_ID ?? "bar-sales-by-country";

const page = (body) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Sample portal</title>
<style>body { font: 16px system-ui; margin: 2rem } #chart { height: 24rem }</style>
${body}
</html>`;

export const signInPage = page(`<h1>Who are you?</h1>
<form method="post" action="/sign-in">
${Object.entries(people)
  .map(([key, { name }]) => `<button name="person" value="${key}">${name}</button>`)
  .join("\n")}
</form>`);

/** The page with a chart: the host is where the page came from, and there is nothing to authenticate. */
export const chartPage = ({ name }) =>
  page(`<h1>Hello, ${name}</h1>
<div id="chart"><qlik-embed ui="analytics/chart" app-id="${appId}" object-id="${objectId}"></qlik-embed></div>
<form method="post" action="/sign-out"><button>Sign out</button></form>
<script>
const script = document.createElement("script");
script.dataset.host = location.origin + "/qlik";
script.dataset.authType = "none";
script.src = ${JSON.stringify(embedScript)};
document.head.append(script);
</script>`);

/** Says where the example listens, once it does. */
export const announce = (server) => console.log(`http://localhost:${server.address().port}`);
