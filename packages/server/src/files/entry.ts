import path from 'node:path'

import { type ApiError, badRequest } from '../errors/index.ts'

/** Archives with more entries are refused: no template needs them, and each costs time at every build. */
export const MAX_ENTRIES = 10_000

/** Refuses names that could leave the folder that an archive is unpacked into (PR-65). @throws ApiError 400. */
export function checkEntryName(name: string): void {
  // Decoding has put this character in the place of bytes that are no UTF-8.
  if (name.includes('\uFFFD')) throw refused(name, 'has a name that is no UTF-8')
  if (name === '' || name.length > 4096 || name.includes('\0'))
    throw refused(name, 'has a name that no file can have')
  if (leaves(name) || name.split('/').includes('..')) throw refused(name, 'points outside of the archive')
}

/**
 * Refuses links that lead out of the archive.
 *
 * @param from folder that the target is relative to: that of a symbolic link, the root for a hard link.
 * @throws ApiError 400.
 */
export function checkLinkTarget(name: string, target: string, from: string): void {
  if (target === '' || leaves(target) || path.posix.join(from, target).split('/')[0] === '..')
    throw refused(
      name,
      `is a link to ${JSON.stringify(target.slice(0, 200))}, which is outside of the archive`,
    )
}

/** 400 for an entry that cannot be stored, with its name. */
export function refused(name: string, why: string): ApiError {
  return badRequest('Invalid archive contents.', {
    detail: `The entry ${JSON.stringify(name.slice(0, 200))} ${why}.`,
  })
}

function leaves(name: string): boolean {
  return name.includes('\\') || name.startsWith('/') || /^[a-z]:/i.test(name)
}
