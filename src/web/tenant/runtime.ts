import type { OpenAppSessionProps } from "@qlik/api/qix";
import type { stardust } from "@nebula.js/stardust";
import type * as renderer from "@nebula.js/stardust";

/** Which engine session a module works on: the props that the vendor's engine module compares. */
export type AppProps = Pick<OpenAppSessionProps, "appId" | "identity" | "hostConfig">;

/** Code that arrives in files of its own; each file puts its entry here when it has run. */
export interface ProvidedCode {
  embed?: unknown;
  stardust?: typeof renderer;
  [chart: `chart-${string}`]: stardust.Visualization | undefined;
}

/** The members that the vendor's clients declare for the global of this name, see `@qlik/api/auth-types`. */
type DeclaredMembers = NonNullable<typeof globalThis.QlikMain>;

/** What the embed clients look for on the page: `import` takes a module name such as `qix@v1`. */
export interface QlikMainRuntime extends DeclaredMembers {
  import(name: string): Promise<unknown>;
  /** Loads a file that lies beside this script and answers what it provided; each file once. */
  provide<Name extends keyof ProvidedCode>(name: Name, file: string): Promise<ProvidedCode[Name]>;
  readonly provided: ProvidedCode;
}

/** The runtime of this page; it runs before every file that asks for it. */
export function runtime(): QlikMainRuntime {
  if (globalThis.QlikMain === undefined) throw new Error("The embed runtime has not been loaded");
  return globalThis.QlikMain as QlikMainRuntime;
}
