import type { Reporter, TestCase } from 'vitest/node'

/**
 * Lists at the end of a run which tests passed at their second try only.
 *
 * Such a test does not fail the run, since what it waits for may be late on a busy machine; it must not go unnoticed
 * either, since it may have met a race in the product.
 */
export class SecondTries implements Reporter {
  readonly #tests: TestCase[] = []

  onTestCaseResult(test: TestCase): void {
    if (test.diagnostic()?.flaky) this.#tests.push(test)
  }

  onTestRunEnd(): void {
    if (this.#tests.length === 0) return
    process.stdout.write(
      '\nPassed at the second try (look into each: a race, or a test that asserts time):\n',
    )
    for (const test of this.#tests) {
      const why = test.result().errors?.[0]?.message.split('\n', 1)[0] ?? 'no message'
      process.stdout.write(`  ${test.module.relativeModuleId} > ${test.fullName}\n    ${why}\n`)
    }
  }
}
