/** Refuses what is for tests where it could sign in anybody, or stop the time. attacks A6 */
export function refuseInProduction(what: string): void {
  if (process.env["NODE_ENV"] === "production")
    throw new Error(`${what} is for tests: it does not run with NODE_ENV=production.`);
}
