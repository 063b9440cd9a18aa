/** What the portals of the examples show, and to whom. */

/** Who can sign in, without a password: it is a sample. What they may see is decided in the tenant, by their groups. */
export const people = {
  alice: { subject: "alice@example.test", name: "Alice Johansson", groups: ["Sales EMEA"] },
  bruno: { subject: "bruno@example.test", name: "Bruno Keller", groups: ["Sales Americas"] },
};

const { env } = process;

/** The chart, by default one of the local tenant, and where the vendor's web components come from. */
export const content = {
  appId: env.APP_ID ?? "8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10",
  objectId: env.OBJECT_ID ?? "bar-sales-by-country",
  embedScript:
    env.EMBED_SCRIPT ?? "https://cdn.jsdelivr.net/npm/@qlik/embed-web-components@1/dist/index.min.js",
};

/** The host is where the page came from, and there is nothing to authenticate. */
export const loadEmbed = `
const script = document.createElement("script");
script.dataset.host = location.origin + "/qlik";
script.dataset.authType = "none";
script.src = ${JSON.stringify(content.embedScript)};
document.head.append(script);`;

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

export const chartPage = ({ name }) =>
  page(`<h1>Hello, ${name}</h1>
<div id="chart"><qlik-embed ui="analytics/chart" app-id="${content.appId}" object-id="${content.objectId}"></qlik-embed></div>
<form method="post" action="/sign-out"><button>Sign out</button></form>
<script>${loadEmbed}
</script>`);
