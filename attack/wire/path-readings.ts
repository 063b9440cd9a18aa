// A path that is matched in one way and read in another is a way around every rule. These are the ways in which servers,
// routers and file systems are known to read what is not canonical.

/** Overlong UTF-8 for a dot, a slash and a backslash. */
const overlong: readonly (readonly [RegExp, string])[] = [
  [/\xc0\xae/g, "."],
  [/\xc0\xaf/g, "/"],
  [/\xc1\x9c/g, "\\"],
];

const decodeOnce = (path: string): string =>
  path.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));

/** Each turns a path into one that a server may take it for. */
const transformations: readonly ((path: string) => string)[] = [
  decodeOnce,
  (path) => overlong.reduce((text, [from, to]) => text.replace(from, to), path),
  (path) => path.replaceAll("\\", "/"),
  (path) => path.replace(/;[^/]*/g, ""),
  (path) => path.replace(/\/{2,}/g, "/"),
  (path) => path.replace(/[\0#?].*$/s, ""),
  (path) => path.replace(/[\t\r\n]/g, ""),
  (path) => path.toLowerCase(),
  (path) => path.replace(/[./ ]+$/, ""),
  (path) => path.replace(/\.(?:json|css|js)$/, ""),
  withoutDots,
];

/** Takes dot segments out, as far up as there is something above. */
function withoutDots(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment !== ".." && segment !== ".") kept.push(segment);
    else if (segment === ".." && kept.length > 1) kept.pop();
  }
  return kept.join("/");
}

/** More readings than this are not looked at; no attack of the suite needs as many. */
const mostReadings = 400;

/** Every path that a request target may be read as. */
function pathReadings(target: string): ReadonlySet<string> {
  const [path = ""] = target.split("?");
  const found = new Set([target, path]);
  for (const each of found) {
    if (found.size > mostReadings) break;
    for (const transform of transformations) found.add(transform(each));
  }
  return found;
}

/** Whether a target may be read as a path or as something below it. */
export function mayBeReadAs(target: string, path: string): boolean {
  return [...pathReadings(target)].some((each) => each === path || each.startsWith(`${path}/`));
}

/** Whether a target may be read as leading out above its own root. */
export function mayClimbOut(target: string): boolean {
  return [...pathReadings(target)].some((each) => {
    let depth = 0;
    for (const segment of each.split("/").slice(1)) {
      depth += segment === ".." ? -1 : 1;
      if (depth < 0) return true;
    }
    return false;
  });
}
