/** What the tenant, the loads and every contender agree on. */

/** Where every contender is mounted; the tenant knows nothing of it. */
export const prefix = "/qlik";

/** What browsers call the contender; nothing resolves it. */
export const publicOrigin = "https://portal.example.test";

/** The name in the tenant's certificate, for programs that do not verify an address. */
export const tenantName = "tenant.example.test";

/** Characters of a cookie's value: long enough to cost what a real one costs, the same in every run. */
const value = (length: number, seed: string): string =>
  seed.repeat(Math.ceil(length / seed.length)).slice(0, length);

/** What the login sets, in the shapes of facts §2.2. */
export const loginCookies: readonly string[] = [
  `eas.sid=${value(32, "bench_Sid-0")}`,
  `eas.sid.sig=${value(86, "bench_Sig-1")}`,
  `_csrfToken=${value(8, "saltSALT")}-${value(27, "bench_Hash-2")}`,
  `_csrfToken.sig=${value(86, "bench_Sig-3")}`,
];

/** What load balancers set again with every answer. facts §2.2 */
export const balancerCookies: readonly string[] = [
  `AWSALB=${value(124, "bench/Lb+4")}`,
  `AWSALBCORS=${value(124, "bench/Lb+4")}`,
];

/** The Cookie header that the tenant wants to see, byte for byte: all of them, in the order in which they were set. */
export const credential: string = [...loginCookies, ...balancerCookies].join("; ");

/** The CSRF token that the tenant gives; and wants with an upload from who has asked for it. facts §3 */
export const csrfToken: string = value(36, "bench-Token-5");

/** A load stands for several people: one alone is given few connections. rules R12 */
export const usualUsers = 8;

/** How many people the set-ups of the peers know. */
export const knownUsers = 1000;

export const userName = (index: number): string => `bench-${index}`;

/** Headers of a browser's request, as a front door passes them on: the user is named by a header and by the host's own cookie. */
export const browserHeaders = (user: string): readonly (readonly [string, string])[] => [
  ["Host", new URL(publicOrigin).host],
  [
    "User-Agent",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  ],
  ["Accept", "*/*"],
  ["Accept-Language", "en-GB,en;q=0.9,sv;q=0.8"],
  ["Accept-Encoding", "gzip, deflate, br, zstd"],
  ["Referer", `${publicOrigin}/dashboard`],
  ["Cookie", `theme=dark; sid=${user}; _ga=GA1.1.1234567890.1234567890`],
  ["sec-ch-ua", '"Chromium";v="140", "Not=A?Brand";v="24"'],
  ["sec-ch-ua-mobile", "?0"],
  ["sec-ch-ua-platform", '"Linux"'],
  ["Sec-Fetch-Dest", "empty"],
  ["Sec-Fetch-Mode", "cors"],
  ["Sec-Fetch-Site", "same-origin"],
  ["X-User-Sub", user],
];
