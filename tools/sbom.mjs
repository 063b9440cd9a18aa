// Prints the software bill of materials of what is shipped, as CycloneDX JSON, from the lock file: `npm run sbom`.
// `npm run --silent sbom -- --all > sbom.json` adds what only development needs.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (name) => JSON.parse(readFileSync(`${root}${name}`, "utf8"));
const manifest = read("package.json");

/** Everything in the lock file, as npm lists it. */
function listAll() {
  const { status, stdout, stderr, error } = spawnSync(
    "npm",
    ["sbom", "--package-lock-only", "--sbom-format=cyclonedx"],
    { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
  );
  if (status !== 0) throw new Error(error?.message ?? stderr);
  const bill = JSON.parse(stdout);
  // npm names the product after the folder that it stands in.
  bill.metadata.component.name = manifest.name;
  return bill;
}

/** Packages that another one can do without, and does not bring: `name@version` to their names. */
function optionalPeers() {
  return new Map(
    Object.entries(read("package-lock.json").packages).map(
      ([path, { version, peerDependenciesMeta = {} }]) => [
        `${path.split("node_modules/").at(-1)}@${version}`,
        Object.keys(peerDependenciesMeta).filter((name) => peerDependenciesMeta[name].optional),
      ],
    ),
  );
}

/**
 * What the dependencies lead to. npm's own `--omit=dev` leaves out what a development tool happens to need too, such as
 * ws.
 */
function reach(bill) {
  const optional = optionalPeers();
  const isBrought = (from, ref) => !optional.get(from)?.some((name) => ref.startsWith(`${name}@`));
  const edges = new Map(
    bill.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn.filter((each) => isBrought(ref, each))]),
  );
  const product = bill.metadata.component["bom-ref"];
  const direct = Object.entries(manifest.dependencies).map(([name, version]) => `${name}@${version}`);
  const reached = new Set([product]);
  const visit = (refs) => {
    for (const ref of refs) {
      if (reached.has(ref)) continue;
      reached.add(ref);
      visit(edges.get(ref) ?? []);
    }
  };
  visit(direct);
  return {
    ...bill,
    components: bill.components.filter((component) => reached.has(component["bom-ref"])),
    dependencies: bill.dependencies
      .filter(({ ref }) => reached.has(ref))
      .map((each) => ({ ...each, dependsOn: each.dependsOn.filter((ref) => reached.has(ref)) })),
  };
}

const { values } = parseArgs({ options: { all: { type: "boolean", default: false } } });
const bill = listAll();
console.log(JSON.stringify(values.all ? bill : reach(bill), null, 2));
