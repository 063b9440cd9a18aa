/** Headers in their order. */
export type Lines = readonly (readonly [name: string, value: string])[];

/** What is asked: a method, or UPGRADE; a target; and what is said with it. "OURS" stands for the public origin. */
export type Asking = readonly [method: string, target: string, lines: Lines];

/** An origin that is listed. */
export const sibling = "http://app.portal.localhost:4000";
const foreign = "https://evil.example";

export const user: Lines = [["X-Test-User", "ann"]];
export const handshake: Lines = [
  ["Connection", "Upgrade"],
  ["Upgrade", "websocket"],
  ["Sec-WebSocket-Version", "13"],
  ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
  ["Sec-WebSocket-Extensions", "permessage-deflate"],
];
export const same: Lines = [["Sec-Fetch-Site", "same-origin"]];
export const ours: Lines = [["Origin", "OURS"], ...same];
const theirs: Lines = [
  ["Origin", foreign],
  ["Sec-Fetch-Site", "cross-site"],
];

export const questions: readonly Asking[] = [
  ["GET", "/qlik/api/v1/items?limit=2&&a=%20&", same],
  ["GET", "/qlik/api/v1/items?accessToken=x&limit=1&qlik%2Dcsrf-token=y", same],
  ["GET", "/qlik/api/v1/items", theirs],
  [
    "GET",
    "/qlik/api/v1/items",
    [
      ["Origin", sibling],
      ["Sec-Fetch-Site", "same-site"],
    ],
  ],
  ["GET", "/qlik/api/v1/items/secret/x", same],
  ["GET", "/qlik/api/v1/spaces", same],
  ["GET", "/qlik/api/v1/items/../spaces", same],
  ["GET", "/qlik/api/v1/items/%2e%2e/spaces", same],
  ["GET", "/qlik/api/v1/items/a%2Fb", same],
  ["GET", "/qlikevil/api/v1/items", same],
  ["GET", "/elsewhere", same],
  ["TRACE", "/qlik/api/v1/items", same],
  [
    "GET",
    "/qlik/api/v1/items",
    [
      ...same,
      ["Connection", "keep-alive, x-listed"],
      ["X-Listed", "1"],
      ["Authorization", "Bearer secret-of-mine"],
      ["Cookie", "a=secret-of-mine"],
      ["X-Forwarded-For", "1.2.3.4"],
      ["X_Under", "1"],
      ["Qlik-Web-Integration-Id", "w"],
      ["Qlik-Api-Version", "2026-08"],
      ["Accept-Encoding", "zstd, gzip;q=0.5"],
      ["X-Kept", "kept"],
    ],
  ],
  ["GET", "/qlik/api/v1/items", [...same, ["If-None-Match", '"mine"']]],
  [
    "PUT",
    "/qlik/api/v1/data-files/x",
    [...ours, ["If-Match", 'W/"other;qsp-0123456789ab"'], ["Content-Length", "1"]],
  ],
  ["POST", "/qlik/api/v1/reports", [...ours, ["Content-Type", "application/json"], ["Content-Length", "2"]]],
  ["POST", "/qlik/api/v1/reports", [...ours, ["Content-Length", "1025"]]],
  ["POST", "/qlik/api/v1/reports", theirs],
  ["POST", "/qlik/api/v1/reports", []],
  ["GET", "/qlik/qlik-embed/main.js", same],
  ["GET", "/qlik/qlik-embed/main.js", [...same, ["Content-Length", "1"]]],
  [
    "GET",
    "/qlik/single/?appid=x",
    [
      ["Sec-Fetch-Site", "cross-site"],
      ["Sec-Fetch-Mode", "navigate"],
      ["Sec-Fetch-Dest", "document"],
    ],
  ],
  [
    "GET",
    "/qlik/single/?appid=x",
    [
      ["Sec-Fetch-Site", "cross-site"],
      ["Sec-Fetch-Mode", "navigate"],
      ["Sec-Fetch-Dest", "iframe"],
    ],
  ],
  ["GET", "/qlik/single/worker.js", [...same, ["Service-Worker", "script"]]],
  [
    "OPTIONS",
    "/qlik/api/v1/items",
    [
      ["Origin", sibling],
      ["Access-Control-Request-Method", "GET"],
    ],
  ],
  [
    "OPTIONS",
    "/qlik/api/v1/items",
    [
      ["Origin", foreign],
      ["Access-Control-Request-Method", "GET"],
    ],
  ],
  [
    "OPTIONS",
    "/qlik/api/v1/spaces",
    [
      ["Origin", sibling],
      ["Access-Control-Request-Method", "DELETE"],
    ],
  ],
  ["OPTIONS", "/qlik/api/v1/echo", ours],
  ["GET", "/qlik/api/v1/csrf-token", same],
  ["GET", "/qlik/_session/auth-module.js", same],
  ["GET", "/qlik/_session", same],
  ["PUT", "/qlik/_session", ours],
  ["DELETE", "/qlik/_session", ours],
  ["DELETE", "/qlik/_session", theirs],
  ["GET", "/qlik/_session/nothing", same],
  ["GET", "/qlik/login", same],
  ["UPGRADE", "/qlik/app/x?reloadUri=y%2Fz&qlik-csrf-token=mine&", ours],
  [
    "UPGRADE",
    "/qlik/app/x",
    [
      ...ours,
      ["Accept-Encoding", "gzip"],
      ["Sec-WebSocket-Protocol", "qlik"],
      ["Sec-WebSocket-Protocol_", "alias"],
      ["Sec-WebSocket-Accept", "alias"],
      ["X-Forwarded-For", "1.2.3.4"],
      ["Cookie", "a=secret-of-mine"],
    ],
  ],
  ["UPGRADE", "/qlik/app/x", theirs],
  ["UPGRADE", "/qlik/app/x", []],
  ["UPGRADE", "/qlik/api/v1/events", ours],
  ["UPGRADE", "/qlik/app/x", [...ours, ["Sec-WebSocket-Version", "8"]]],
  ["UPGRADE", "/qlik/login", ours],
];
