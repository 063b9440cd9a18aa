import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

interface WebBuilder {
  readonly buildWeb: (options: { readonly outdir: string }) => Promise<void>;
  readonly findVendorChunks: (folder: string) => Promise<Readonly<Record<string, string>>>;
}

let builder: WebBuilder;
let folder: string;

beforeAll(async () => {
  builder = (await import(new URL("../../tools/build-web.mjs", import.meta.url).href)) as WebBuilder;
  folder = await mkdtemp(join(tmpdir(), "qsp-build-web-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function filesOf(name: string): Promise<ReadonlyMap<string, string>> {
  const outdir = join(folder, name);
  await builder.buildWeb({ outdir });
  const paths = (await readdir(outdir, { recursive: true, withFileTypes: true })).filter((each) =>
    each.isFile(),
  );
  const entries = paths.map(async ({ parentPath, name: file }) => {
    const path = join(parentPath, file);
    return [path.slice(outdir.length + 1), await readFile(path, "utf8")] as const;
  });
  return new Map((await Promise.all(entries)).sort(([a], [b]) => a.localeCompare(b)));
}

describe("buildWeb", () => {
  test(
    "makes the same files every time, with a notice for every package in them",
    { timeout: 60_000 },
    async () => {
      const files = await filesOf("first");
      expect([...files.keys()]).toEqual(
        expect.arrayContaining([
          "NOTICES.txt",
          "console/index.html",
          "portal/dashboard.js",
          "portal/direct.js",
          "portal/portal.css",
          "portal/qlik-embed-web-components.js",
          "tenant/chart-barchart.js",
          "tenant/embed.js",
          "tenant/main.js",
        ]),
      );
      const notices = files.get("NOTICES.txt") ?? "";
      for (const name of [
        "@qlik/api",
        "@qlik/embed-web-components",
        "enigma.js",
        "@nebula.js/stardust",
        "@nebula.js/sn-kpi",
        "uplot",
      ])
        expect(notices).toContain(`${name} `);
      expect(await filesOf("second")).toEqual(files);
    },
  );

  test("fails, and says what is missing, where the vendor's modules cannot be found", async () => {
    await expect(builder.findVendorChunks(folder)).rejects.toThrow(
      "export registerAuthModule; exactly one is needed",
    );
  });
});
