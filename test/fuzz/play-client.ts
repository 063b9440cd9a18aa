import { connect, type Socket } from "node:net";
import type { Step } from "./fuzz-case.ts";
import { readAnswers, type Reading } from "./read-answers.ts";

/** What a client saw. */
export interface ClientView extends Reading {
  /** All that came, one character a byte. */
  readonly received: string;
  /** How the connection was when the client went: ended or reset by the server, or still open. */
  readonly closed: "ended" | "reset" | "open";
}

/** What is kept of what comes, in bytes. */
const mostReceived = 512 * 1024;

/** Does what a case says on a connection of its own. */
export async function playClient(
  port: number,
  { client, patience }: { readonly client: readonly Step[]; readonly patience: number },
): Promise<ClientView> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  const ear = new Ear(socket);
  try {
    let asked = "";
    for (const step of client) {
      if (ear.closed !== "open") break;
      if (step.kind === "bytes") asked += step.bytes.toString("latin1");
      await doStep(socket, step, ear, asked);
    }
    await ear.until(() => ear.closed !== "open" || ear.isAnswered(asked), patience);
    return { ...ear.read(asked), received: ear.received, closed: ear.closed };
  } finally {
    socket.destroy();
  }
}

async function doStep(socket: Socket, step: Step, ear: Ear, asked: string): Promise<void> {
  switch (step.kind) {
    case "bytes":
      socket.write(step.bytes);
      return;
    case "pause":
      return ear.until(() => ear.closed !== "open", step.ms);
    case "answer": {
      const before = ear.read(asked).answers.length;
      return ear.until(() => ear.closed !== "open" || ear.hasMoreThan(before, asked), step.ms);
    }
    case "end":
      socket.end();
      return;
    case "reset":
      socket.resetAndDestroy();
  }
}

/** Hears what comes over a connection. */
class Ear {
  received = "";
  closed: ClientView["closed"] = "open";
  #look: (() => void) | null = null;

  constructor(socket: Socket) {
    const over = (how: "ended" | "reset"): void => {
      if (this.closed === "open") this.closed = how;
      this.#look?.();
    };
    socket.on("data", (chunk: Buffer) => {
      if (this.received.length < mostReceived) this.received += chunk.toString("latin1");
      this.#look?.();
    });
    socket.on("error", () => over("reset"));
    socket.on("end", () => over("ended"));
    socket.on("close", () => over("ended"));
  }

  read(asked: string): Reading {
    return readAnswers(this.received, asked, this.closed !== "open");
  }

  hasMoreThan(count: number, asked: string): boolean {
    const { answers, socket } = this.read(asked);
    return (
      socket !== null || answers.filter(({ complete, status }) => complete && status >= 200).length > count
    );
  }

  /** Whether there is nothing to wait for: one answer for all that looks like one request. */
  isAnswered(asked: string): boolean {
    const { answers, socket } = this.read(asked);
    if (socket !== null) return false;
    const requests = asked.split(" HTTP/1.").length - 1;
    return (
      answers.filter(({ complete, status }) => complete && status >= 200).length >= Math.max(1, requests)
    );
  }

  /** Waits until something is so, but not longer than that. Milliseconds. */
  until(isSo: () => boolean, ms: number): Promise<void> {
    if (isSo()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#look = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#look = () => isSo() && done();
    });
  }
}
