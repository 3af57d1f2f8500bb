import type { Reporter, TestModule } from 'vitest/node';

/** Names at the end of a run each test that failed at its first try and passed at its second. */
export class Retried implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const names = modules.flatMap((module) =>
      [...module.children.allTests()]
        .filter((test) => test.diagnostic()?.flaky)
        .map((test) => `${module.relativeModuleId} > ${test.fullName}`),
    );
    if (names.length > 0) console.log(`Passed at the second try, to be mended:\n${names.join('\n')}\n`);
  }
}
