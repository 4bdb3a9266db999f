import { Readable } from 'node:stream'

import tar from 'tar-stream'

import { ApiError, badRequest } from '../errors/index.ts'
import { checkEntryName } from './zip-to-tar.ts'

const MAX_ENTRIES = 10_000

/**
 * Checks a tar before it is stored, so that nothing half-written or dangerous ever is: every header must be
 * sound, and no name, and no target of a link, may leave the archive.
 *
 * @throws ApiError 400 naming the entry.
 */
export async function checkTar(bytes: Buffer): Promise<void> {
  const extract = tar.extract()
  let entries = 0
  extract.on('entry', (header, stream, next) => {
    try {
      entries += 1
      if (entries > MAX_ENTRIES) throw badRequest(`The archive has more than ${MAX_ENTRIES} entries.`)
      if (header.type !== 'file' && header.type !== 'directory')
        throw badRequest('Invalid archive contents.', {
          detail: `The entry ${JSON.stringify(header.name)} is a ${header.type}: only files and folders can be stored.`,
        })
      checkEntryName(header.name)
      stream.on('end', next)
      stream.resume()
    } catch (error) {
      stream.destroy()
      extract.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  })
  const finished = new Promise<void>((resolve, reject) => {
    extract.on('finish', resolve)
    extract.on('error', reject)
    extract.on('close', () => reject(new Error('the archive ends in the middle of an entry')))
  })
  Readable.from([bytes]).pipe(extract)
  try {
    await finished
  } catch (error) {
    if (error instanceof ApiError) throw error
    throw badRequest('Invalid .tar archive contents.', {
      detail: error instanceof Error ? error.message : undefined,
    })
  }
}
