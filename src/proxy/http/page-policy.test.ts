import { expect, test } from "vitest";
import { pagePolicy } from "./page-policy.ts";

const site = {
  publicBase: "https://analytics.example.com",
  tenantOrigin: "https://acme.eu.qlikcloud.com",
  frameAncestors: ["https://portal.example.com"],
};
const ours = "https://analytics.example.com wss://analytics.example.com";
const framed = "frame-ancestors https://portal.example.com";

test.each([
  ["none at all", "", framed],
  [
    "the tenant with the same words for its socket",
    "connect-src 'self' https://acme.eu.qlikcloud.com wss://acme.eu.qlikcloud.com",
    `connect-src 'self' ${ours}; ${framed}`,
  ],
  [
    "the tenant as a host, with a port, in other letters, with a path",
    "script-src acme.eu.qlikcloud.com HTTPS://ACME.eu.qlikcloud.com:443/resources/ 'nonce-abc'",
    `script-src https://analytics.example.com https://analytics.example.com/resources/ 'nonce-abc'; ${framed}`,
  ],
  [
    "hosts that only look like the tenant",
    "img-src https://acme.eu.qlikcloud.com.evil.example https://eu.qlikcloud.com https://acme.eu.qlikcloud.com:8443 data:",
    `img-src https://acme.eu.qlikcloud.com.evil.example https://eu.qlikcloud.com https://acme.eu.qlikcloud.com:8443 data:; ${framed}`,
  ],
  [
    "who may frame it, and where it reports to",
    "frame-ancestors *; report-uri https://acme.eu.qlikcloud.com/r; upgrade-insecure-requests; default-src 'self'",
    `default-src 'self'; ${framed}`,
  ],
])("a page's policy that names %s becomes ours", (_what, policy, becomes) => {
  expect(pagePolicy([policy], site)).toBe(becomes);
});
