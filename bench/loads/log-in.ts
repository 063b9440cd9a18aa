import { Agent } from "node:http";
import type { Standing } from "../contenders/contender.ts";
import { userName } from "../site.ts";
import { smallest } from "../tenant/answers.ts";
import { ask } from "./ask.ts";
import { GateFailed } from "./load.ts";

/** How many log in at once. */
const loginsAtOnce = 64;

/** One request of each user from one number to another, each of which begins a session. @throws GateFailed */
export async function logIn(standing: Pick<Standing, "port">, from: number, to: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: loginsAtOnce });
  let next = from;
  const lane = async (): Promise<void> => {
    while (next < to) {
      const user = userName(next++);
      const { status } = await ask(standing, { user, path: smallest.path, agent });
      if (status !== 200) throw new GateFailed(`the first request of ${user} is answered ${status}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: loginsAtOnce }, lane));
  } finally {
    agent.destroy();
  }
}
