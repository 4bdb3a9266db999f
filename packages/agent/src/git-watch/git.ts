import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

const GIT_MS = 10_000

/** Programs that a repository names in its configuration are not run for a look at it. */
export const SAFE = ['-c', 'core.fsmonitor=false', '-c', 'core.quotePath=true']

/**
 * What git prints; nothing when it fails, as it does outside of repositories.
 *
 * @param maxBytes git that prints more has failed.
 */
export async function git(
  folder: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  maxBytes: number,
): Promise<string> {
  try {
    const { stdout } = await run('git', [...args], {
      cwd: folder,
      env: { ...env, GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' },
      timeout: GIT_MS,
      maxBuffer: maxBytes,
    })
    return stdout
  } catch (error) {
    const isDifference = error instanceof Error && 'code' in error && error.code === 1 && 'stdout' in error
    return isDifference && typeof error.stdout === 'string' ? error.stdout : ''
  }
}
