// Tests that a page names as proof: `` `test/x.test.ts` "title" ``.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The tests that a text names. */
export const testsOf = (text) =>
  [...text.matchAll(/`(?<file>(?:src|test)\/[\w./-]+\.test\.ts)` "(?<title>[^"]+)"/g)].map(
    ({ groups }) => groups,
  );

/** Whether a file has a test of that title; quotes inside a title are escaped in source, and not in the page. */
function holds(root, { file, title }) {
  const source = readFileSync(join(root, file), "utf8").replaceAll("\\'", "'").replaceAll('\\"', "'");
  return [`"${title}"`, `'${title}'`, `\`${title}\``].some((quoted) => source.includes(quoted));
}

/** What is wrong with such a test: nothing, or one line. */
export function problemsOf(root, test) {
  if (!existsSync(join(root, test.file))) return [`${test.file} does not exist`];
  return holds(root, test) ? [] : [`${test.file} has no test "${test.title}"`];
}
