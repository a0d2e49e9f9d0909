import type { Reporter, TestModule } from "vitest/node";

/** Ends a test run with one line that people and scripts can read: `N passed, N failed`. */
export default class TestSummary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    let passed = 0;
    let failed = unhandled.length;
    const skipped: string[] = [];
    for (const module of modules) {
      const before = failed;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") passed++;
        else if (state === "failed") failed++;
        else skipped.push(test.fullName);
      }
      // A module that cannot even be loaded has no test that could fail.
      if (module.state() === "failed" && failed === before) failed++;
    }
    for (const name of skipped) console.log(`skipped: ${name}`);
    // Printed after every other reporter has had its say.
    process.once("exit", () => console.log(`${passed} passed, ${failed} failed`));
  }
}
