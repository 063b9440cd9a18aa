// hono's proxy helper on its server for Node: fetch inside, so the certificate is trusted by NODE_EXTRA_CA_CERTS.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { proxy } from "hono/proxy";
import { cookieFor, host, pathBehind, port, tenant } from "./set-up.mjs";

const app = new Hono();

app.all("*", async (context) => {
  const { pathname, search } = new URL(context.req.url);
  const path = pathBehind(pathname + search);
  const cookie = cookieFor(context.req.header("cookie"));
  if (path === undefined || cookie === undefined) return context.body(null, 401);
  const answer = await proxy(tenant + path, {
    raw: context.req.raw,
    headers: { ...context.req.header(), host: new URL(tenant).host, cookie },
  });
  answer.headers.delete("set-cookie");
  return answer;
});

serve({ fetch: app.fetch, port, hostname: host });
