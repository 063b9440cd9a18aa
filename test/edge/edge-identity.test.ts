/* Whose identity headers count when an edge asks. The edge's own address is not the browser's. attacks A8 */
import { expect, test } from "vitest";
import { createStandaloneServer } from "../../src/server/standalone.ts";
import { askEdge, edgeToken, type EdgeStack, question, startEdgeStack } from "./edge-stack.ts";

const me = "/qlik/api/v1/users/me";
const warned = "identity.trustedHeader.from";

async function withStack(from: string, work: (stack: EdgeStack) => Promise<void>): Promise<void> {
  const identity = `{ trustedHeader: { from: [${from}], subject: X-User-Sub, email: X-User-Email } }`;
  const stack = await startEdgeStack({ identity });
  try {
    await work(stack);
  } finally {
    await stack.close();
  }
}

const cases = [
  ["127.0.0.1", 401],
  ["'edge:'", 200],
] as const;

test.each(cases)(
  "headers over the socket count where the configuration names edge:, and %s is %i",
  (from, status) =>
    withStack(from, async (stack) => {
      expect((await stack.ask({ headers: question("GET", me) })).status).toBe(status);
      expect(stack.load().warnings.some(({ path }) => path === warned)).toBe(status === 401);
    }),
);

test.each(cases)(
  "headers over TCP count by the same name, not by the edge's address, and %s is %i",
  (from, status) =>
    withStack(from, async (stack) => {
      const { config, warnings } = stack.loadTcp();
      expect(warnings.some(({ path }) => path === warned)).toBe(status === 401);
      const server = await createStandaloneServer(config);
      try {
        const port = Number(new URL(server.edgeUrl ?? "").port);
        const answer = await askEdge({ host: "127.0.0.1", port }, { headers: question("GET", me) });
        expect(answer.status).toBe(status);
        expect(JSON.stringify(answer)).not.toContain(edgeToken);
      } finally {
        await server.close();
      }
    }),
);
