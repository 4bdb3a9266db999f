import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'

import type { ManifestSecret } from '@slipway/contract'
import { describeError, type Logger } from '@slipway/request-log'
import { expandDirectory } from './environment.ts'

/**
 * Puts secrets into the files that their user has named, for that user alone: files 0600, folders that are made for them
 * 0700. A file holds what its secret says at each start of the workspace, whatever it held before. One that cannot be
 * written is told of in the log, and keeps neither the others nor the workspace from starting.
 *
 * @param home what `~/` means.
 */
export async function writeSecretFiles(
  secrets: readonly ManifestSecret[],
  home: string,
  log: Logger,
): Promise<void> {
  for (const { file_path: given, value } of secrets) {
    if (given === '') continue
    try {
      await writeSecretFile(expandDirectory(given, home), value)
    } catch (error) {
      log.warn('a secret could not be written to its file', { file: given, error: describeError(error) })
    }
  }
}

async function writeSecretFile(file: string, value: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  if ((await readFile(file, 'utf8').catch(() => undefined)) === value) {
    await chmod(file, 0o600)
    return
  }
  // Nobody ever sees half of a secret, or one in a file that others may read.
  const fresh = `${file}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(fresh, value, { flag: 'wx', mode: 0o600 })
    await rename(fresh, file)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
}
