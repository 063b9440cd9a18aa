import { afterAll, beforeAll, expect, test } from "vitest";
import { optionsForOne } from "../../src/options/several-tenants.ts";
import { sampleProfile } from "../support/sample-profile.ts";
import { type ConfigFolder, createConfigFolder, loaded, problemsOf, rightConfig } from "./config-folder.ts";

let folder: ConfigFolder;
beforeAll(() => {
  folder = createConfigFolder();
  folder.write("profile.yaml", sampleProfile);
});
afterAll(() => folder.remove());

const withProfile = (name: string, ...more: readonly string[]): string => {
  const lines = [`  profileFile: ${name}`, ...more].join("\n");
  return folder.write("config.yaml", rightConfig.replace("tenant:\n", `tenant:\n${lines}\n`));
};

const limitsOf = (file: string): readonly unknown[] => {
  const { sessionIdle, sessionLifetime } = optionsForOne(loaded({ file }).config.options).tenant;
  return [sessionIdle, sessionLifetime];
};

test("a profile says the tenant's limits, where the configuration does not", () => {
  expect(limitsOf(withProfile("profile.yaml"))).toEqual([900_000, 7_200_000]);
  expect(limitsOf(withProfile("profile.yaml", "  sessionIdle: 20m"))).toEqual([1_200_000, 7_200_000]);
});

test("a profile without limits leaves the defaults", () => {
  folder.write("silent.yaml", sampleProfile.replace(/limits: .*/, "limits: null"));
  expect(limitsOf(withProfile("silent.yaml"))).toEqual([undefined, undefined]);
});

test.each([
  ["a file that does not exist", "absent.yaml", "cannot be read (ENOENT)"],
  ["a file that is no YAML", "broken.yaml", "is not YAML"],
  ["a file that is no profile", "config.yaml", "is no tenant profile of version 1: version is wrong"],
  ["a profile of a later version", "later.yaml", "is no tenant profile of version 1: version is wrong"],
  [
    "a profile with a status that is none",
    "odd.yaml",
    "is no tenant profile of version 1: logout.status is wrong",
  ],
])("is named as a problem: %s", (_what, name, message) => {
  folder.write("broken.yaml", "a: [");
  folder.write("later.yaml", sampleProfile.replace("version: 1", "version: 2"));
  folder.write("odd.yaml", sampleProfile.replace("status: 302, ends", "status: moved, ends"));
  expect(problemsOf({ file: withProfile(name) })).toEqual([
    expect.stringContaining(`tenant.profileFile: names a file that ${message}`),
  ]);
});
