import { createCipheriv, createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** One answer of the tenant. */
export interface Answer {
  readonly name: string;
  readonly title: string;
  /** Path at the tenant. */
  readonly path: string;
  readonly size: number;
  readonly type: string;
}

const kibi = 1024;
const mebi = 1024 * kibi;

const opaque = (name: string, title: string, size: number): Answer => ({
  name,
  title,
  path: `/api/v1/apps/bench/media/files/${name}`,
  size,
  type: "application/octet-stream",
});

/** The sizes of the goals; JSON of `/api` has its links rewritten by us, what is opaque passes as it is. rules R6 */
export const answers: readonly Answer[] = [
  opaque("200B", "200 B", 200),
  {
    name: "200B-json",
    title: "200 B JSON",
    path: "/api/v1/items/200B-json",
    size: 200,
    type: "application/json",
  },
  opaque("10KB", "10 KB", 10 * kibi),
  {
    name: "10KB-json",
    title: "10 KB JSON",
    path: "/api/v1/items/10KB-json",
    size: 10 * kibi,
    type: "application/json",
  },
  opaque("1MB", "1 MB", mebi),
  opaque("50MB", "50 MB", 50 * mebi),
];

/** The answer of that name. @throws Error where there is none */
export function answerNamed(name: string): Answer {
  const found = answers.find((each) => each.name === name);
  if (!found) throw new Error(`there is no answer ${name}`);
  return found;
}

/** What is asked for where only that it is asked for matters. */
export const smallest: Answer = answerNamed("200B");

/** Bytes without a pattern, the same in every run. */
export function noise(size: number): Buffer {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, "bench"), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(size));
}

/** A page of items of exactly that size, with the tenant's own links in it. */
function items(size: number, tenantOrigin: string): Buffer {
  const data: object[] = [];
  const page = (padding: string): string => JSON.stringify({ data, padding });
  const item = (id: number): object => ({
    id: `item-${id}`,
    name: `Sales of region ${id}`,
    resourceType: "app",
    links: { self: { href: `${tenantOrigin}/api/v1/items/item-${id}` } },
  });
  while (page("").length + JSON.stringify(item(data.length)).length + 1 <= size) data.push(item(data.length));
  const body = page("x".repeat(size - page("").length));
  return Buffer.from(body);
}

/** The bytes of an answer. */
export const bodyOf = (answer: Answer, tenantOrigin: string): Buffer =>
  answer.type === "application/json" ? items(answer.size, tenantOrigin) : noise(answer.size);

/** Writes every answer's bytes into a folder, by their names. */
export function writeBodies(folder: string, tenantOrigin: string): void {
  mkdirSync(folder, { recursive: true });
  for (const answer of answers) writeFileSync(join(folder, answer.name), bodyOf(answer, tenantOrigin));
}

export const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
