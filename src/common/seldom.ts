const QUIET_MS = 10_000;

/** While a server is away every use of it says so, hundreds of times a second: the same words once in ten seconds will do. */
export function seldom(report: (error: Error) => void): (error: Error) => void {
  const said = new Map<string, number>();
  return (error) => {
    const now = performance.now();
    if (now - (said.get(error.message) ?? -QUIET_MS) < QUIET_MS) return;
    if (said.size > 100) said.clear();
    said.set(error.message, now);
    report(error);
  };
}
