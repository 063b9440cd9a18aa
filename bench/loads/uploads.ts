import { Agent } from "node:http";
import type { Standing } from "../contenders/contender.ts";
import { publicOrigin, userName } from "../site.ts";
import { noise, sha256 } from "../tenant/answers.ts";
import { ask } from "./ask.ts";
import { forAll, GateFailed, type Load, type Worked } from "./load.ts";

const size = 50 * 1024 * 1024;
const atOnce = 4;
const perConnection = 2;

/** Made when it is first sent. */
let file: { readonly body: Buffer; readonly sha256: string } | undefined;

function fileToSend(): { readonly body: Buffer; readonly sha256: string } {
  if (!file) {
    const body = noise(size);
    file = { body, sha256: sha256(body) };
  }
  return file;
}

/** Sends the file once; the tenant says what it got. */
async function upload(standing: Standing, user: string, agent?: Agent): Promise<void> {
  const { body, sha256: wanted } = fileToSend();
  const reply = await ask(standing, {
    user,
    method: "POST",
    path: "/api/v1/temp-contents",
    headers: { Origin: publicOrigin, "Content-Type": "application/octet-stream" },
    body,
    ...(agent ? { agent } : {}),
  });
  if (reply.status === 409)
    throw new GateFailed("the tenant did not get exactly the cookie that replaces the browser's");
  if (reply.status !== 201) throw new GateFailed(`an upload is answered ${reply.status}: ${reply.text}`);
  if (!reply.text.includes(wanted)) throw new GateFailed("an upload does not arrive byte for byte");
}

async function runRound(standing: Standing): Promise<Worked> {
  const agent = new Agent({ keepAlive: true });
  const startedAt = performance.now();
  const one = async (_: unknown, index: number): Promise<void> => {
    for (let count = 0; count < perConnection; count += 1) await upload(standing, userName(index), agent);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  agent.destroy();
  return {
    units: (atOnce * perConnection * size) / 1e9,
    seconds: (performance.now() - startedAt) / 1000,
  };
}

/** 50 MB from the browser to the tenant, several at once; each is verified. */
export const uploads: Load = {
  name: "50MB-up",
  title: "50 MB up",
  stage: "live",
  unit: "GB",
  isFor: forAll,
  check: (standing) => upload(standing, userName(0)),
  run: runRound,
};
