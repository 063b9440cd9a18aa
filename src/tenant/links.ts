/** Members of a report's status that hold an absolute URL of its output. facts §6.3 */
const ofReports: ReadonlySet<string> = new Set(["location", "outputsUrl"]);

const none: ReadonlySet<string> = new Set();

/** Further JSON members whose values are links, by the path of the answer; `href` and `links` always are. rules R6 */
export function linkMembers(path: string): ReadonlySet<string> {
  return path === "/api/v1/reports" || path.startsWith("/api/v1/reports/") ? ofReports : none;
}
