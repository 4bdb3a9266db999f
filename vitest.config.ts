import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'

import { defineConfig } from 'vitest/config'

import { BalancedFiles } from './packages/testkit/src/balanced-files.ts'
import { FailedFiles } from './packages/testkit/src/failed-files.ts'
import { SecondTries } from './packages/testkit/src/second-tries.ts'

/** What others in its process would notice of a file: it changes globals, clocks or variables, or measures memory. */
const CHANGES_ITS_PROCESS =
  /\bvi\.(mock|doMock|spyOn|stub\w+|useFakeTimers)\(|\bglobalThis\.\w+ = |\bprocess\.(env\.\w+ = |on\(|chdir\()|\bsetFlagsFromString\(|\bmemoryUsage\(|\bcpuUsage\(/

const files = ['scripts', ...readdirSync('packages').map((name) => `packages/${name}/src`)]
  .flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => path.posix.join(folder, name)),
  )
  .filter((file) => file.endsWith('.test.ts'))
const alone = files.filter((file) => CHANGES_ITS_PROCESS.test(readFileSync(file, 'utf8')))

const common = {
  setupFiles: 'packages/testkit/src/vitest-setup.ts',
  pool: 'forks',
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // What is late on a busy machine gets a second try; SecondTries lists what needed it.
  retry: 1,
  // What has to come may take its time on a busy machine; what does not come fails sooner than the test.
  expect: { poll: { timeout: 10_000 } },
} as const

export default defineConfig({
  test: {
    reporters: ['default', new SecondTries(), new FailedFiles()],
    // Once for both projects: they would otherwise start a database each.
    globalSetup: ['packages/testkit/src/vitest-global-setup.ts'],
    sequence: { sequencer: BalancedFiles },
    // Most tests wait for servers, agents and browsers: with a worker for each core a small machine stands idle.
    maxWorkers: availableParallelism() + 1,
    // What a file became last time, by its content: a quarter of the work of a run of a few files.
    experimental: { fsModuleCache: true },
    projects: [
      {
        // To load the server takes longer than most files do: those that leave their process as it was share one.
        test: {
          ...common,
          name: 'shared',
          include: ['packages/*/src/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: alone,
          isolate: false,
        },
      },
      { test: { ...common, name: 'alone', include: alone } },
    ],
  },
})
