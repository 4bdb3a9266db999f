import path from 'node:path'

import tar from 'tar-stream'

import { ApiError, badRequest } from '../errors/index.ts'
import { checkEntryName, checkLinkTarget, MAX_ENTRIES, refused } from './entry.ts'

/**
 * Checks a tar before it is stored, so that nothing half-written or dangerous ever is: every header must be
 * sound, and no name, and no target of a link, may leave the archive.
 *
 * @throws ApiError 400 naming the entry.
 */
export async function checkTar(bytes: Buffer): Promise<void> {
  if (bytes.length === 0)
    throw badRequest('Invalid .tar archive contents.', {
      detail: 'The request body is empty: send the bytes of the archive.',
    })
  const extract = tar.extract()
  extract.end(bytes)
  let entries = 0
  try {
    for await (const entry of extract) {
      // An archive that ends inside of an entry breaks the entry too; the loop throws the error.
      entry.on('error', () => undefined)
      entries += 1
      if (entries > MAX_ENTRIES) throw badRequest(`The archive has more than ${MAX_ENTRIES} entries.`)
      checkHeader(entry.header)
      entry.resume()
    }
  } catch (error) {
    if (error instanceof ApiError) throw error
    throw badRequest('Invalid .tar archive contents.', {
      detail: error instanceof Error ? error.message : undefined,
    })
  }
}

function checkHeader({ name, type, linkname }: tar.Header): void {
  checkEntryName(name)
  switch (type) {
    case 'file':
    case 'contiguous-file':
    case 'directory':
      return
    case 'symlink':
      checkLinkTarget(name, linkname ?? '', path.posix.dirname(name))
      return
    case 'link':
      checkLinkTarget(name, linkname ?? '', '')
      return
    default:
      throw refused(name, `is a ${type}: only files, folders and links inside the archive can be stored`)
  }
}
