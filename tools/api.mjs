// What users of the package can name: one report for each door, in api/, made from the built declarations.
// `npm run api` writes the reports; `node tools/api.mjs --check` compares them with the build, exit status 1 if they differ.
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CompilerState, Extractor, ExtractorConfig } from "@microsoft/api-extractor";
import { programDoors } from "./package-doors.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = `${root}api/`;
const temporary = `${root}test-results/api/`;

/** The extractor reads declarations with a compiler of its own, which is older than ours: they are plain TypeScript. */
const compilerOptions = {
  target: "es2023",
  module: "nodenext",
  moduleResolution: "nodenext",
  lib: ["es2023", "dom"],
  types: ["node"],
  strict: true,
  skipLibCheck: true,
};

const silent = { logLevel: "none" };

/** A type that users meet and cannot name at this door: stands in the report, where it is seen. */
const shown = { logLevel: "warning", addToApiReportFile: true };

const configOf = ({ name, file }) =>
  ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: `${root}package.json`,
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: `${root}${file.replace(/\.js$/, ".d.ts")}`,
      compiler: {
        overrideTsconfig: { compilerOptions, files: programDoors.map((door) => `${root}${door.file}`) },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: folder,
        reportTempFolder: temporary,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      newlineKind: "lf",
      messages: {
        compilerMessageReporting: { default: { logLevel: "error" } },
        extractorMessageReporting: { default: silent, "ae-forgotten-export": shown },
        tsdocMessageReporting: { default: silent },
      },
    },
  });

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
mkdirSync(folder, { recursive: true });
mkdirSync(temporary, { recursive: true });
const configs = programDoors.map((door) => ({ door, config: configOf(door) }));
const compilerState = CompilerState.create(configs[0].config, {
  additionalEntryPoints: configs.map(({ config }) => config.mainEntryPointFilePath),
});
const problems = [];
for (const { door, config } of configs) {
  const report = `api/${door.name}.api.md`;
  const wasThere = existsSync(`${root}${report}`);
  const { apiReportChanged, errorCount } = Extractor.invoke(config, {
    compilerState,
    localBuild: !values.check,
    messageCallback(message) {
      message.handled = true;
      if (message.logLevel === "error") console.log(message.text);
    },
  });
  if (errorCount > 0) problems.push(`${report} cannot be made`);
  else if (values.check && (apiReportChanged || !wasThere))
    problems.push(`${report} is not what users can name any more: if it should not be, run npm run api`);
}
const known = new Set(programDoors.map(({ name }) => `${name}.api.md`));
for (const name of readdirSync(folder).filter((each) => !known.has(each))) {
  if (values.check) problems.push(`api/${name} is of a door that is not in package.json`);
  else rmSync(`${folder}${name}`);
}
for (const problem of problems) console.log(problem);
if (problems.length > 0) process.exitCode = 1;
