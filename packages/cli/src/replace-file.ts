import { mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'

import { CommandError } from './errors.ts'

/** What a file holds; empty for one that is not there. @throws CommandError when it cannot be read. */
export async function contentOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw new CommandError(
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

/**
 * Writes a file of the user whole or not at all, for this account only; a link stays one, as those who keep their files
 * elsewhere have it.
 */
export async function replaceFile(link: string, content: string): Promise<void> {
  await mkdir(path.dirname(link), { recursive: true, mode: 0o700 })
  const file = await realpath(link).catch(() => link)
  await rm(`${file}.new`, { force: true })
  await writeFile(`${file}.new`, content, { mode: 0o600 })
  await rename(`${file}.new`, file)
}
