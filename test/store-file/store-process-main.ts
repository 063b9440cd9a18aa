import { systemClock } from "../../src/kernel/clock.ts";
import { FileStore } from "../../src/store/file-store.ts";

const day = 86_400_000;

async function main(folder: string): Promise<void> {
  const store = new FileStore({ folder, clock: systemClock, onEvent: () => {} });

  const write = async (name: string, value: string): Promise<void> => {
    const { version, now } = await store.read(name);
    await store.write(name, { version, readAt: now, value, keepFor: day });
  };
  const fill = async (count: number, text: string): Promise<void> => {
    for (let index = 0; index < count; index += 1) await write(`d${index}`, text);
    await store.flush();
  };
  const calls: Readonly<Record<string, (...args: never[]) => Promise<void>>> = {
    fill,
    write,
    close: () => store.close(),
    async rewrite(count: number) {
      for (let round = 1; ; round += 1) await fill(count, `round ${round} `.repeat(200));
    },
  };
  process.on("message", ([name = "", ...args]: readonly string[]) => {
    void calls[name]?.(...(args as never[])).then(() => process.send?.("done"));
  });
}

main(process.argv[2] ?? "").then(
  () => process.send?.("done"),
  (error: unknown) => {
    process.send?.(String(error));
    process.disconnect();
  },
);
