import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'

import tar from 'tar-stream'
import yauzl from 'yauzl'

import { ApiError, badRequest } from '../errors/index.ts'
import { checkEntryName, checkLinkTarget, MAX_ENTRIES } from './entry.ts'

/** Largest archive that is stored, also after a zip was turned into a tar (WS-70, WS-71). */
export const MAX_ARCHIVE_BYTES = 104_857_600
const BLOCK = 512
/** The part of a Unix file mode that says what an entry is, and its value for symbolic links. */
const TYPE_MASK = 0o170000
const SYMLINK = 0o120000

/**
 * Turns a zip into the tar that provisioners read (WS-71). Sizes are checked first as declared and again
 * while they stream, so that a zip bomb never unfolds in memory.
 *
 * @throws ApiError 400 for a damaged or dangerous archive, 413 when it would become too large.
 */
export async function zipToTar(zip: Buffer): Promise<Buffer> {
  const archive = await openZip(zip)
  const pack = tar.pack()
  const packed = buffer(pack)
  // The reader of `packed` is only awaited at the end; a failure before that is thrown from here.
  packed.catch(() => undefined)
  let total = 2 * BLOCK
  try {
    if (archive.entryCount > MAX_ENTRIES) throw tooLarge()
    for await (const entry of entriesOf(archive)) {
      total += BLOCK + Math.ceil(entry.uncompressedSize / BLOCK) * BLOCK
      if (total > MAX_ARCHIVE_BYTES) throw tooLarge()
      checkEntryName(entry.fileName)
      const mode = entry.externalFileAttributes >>> 16
      const header = {
        name: entry.fileName,
        mode: mode & 0o777 || 0o644,
        mtime: entry.getLastModDate(),
        uid: 1000,
        gid: 1000,
      }
      if (entry.fileName.endsWith('/')) {
        pack.entry({ ...header, type: 'directory', mode: 0o755 })
        continue
      }
      const content = await contentOf(archive, entry)
      if ((mode & TYPE_MASK) === SYMLINK) {
        const target = content.toString()
        checkLinkTarget(entry.fileName, target, path.posix.dirname(entry.fileName))
        pack.entry({ ...header, type: 'symlink', linkname: target })
      } else pack.entry(header, content)
    }
    pack.finalize()
    const bytes = await packed
    // Long names take blocks that no entry declares.
    if (bytes.length > MAX_ARCHIVE_BYTES) throw tooLarge()
    return bytes
  } catch (error) {
    pack.destroy()
    if (error instanceof ApiError) throw error
    throw badRequest('Invalid .zip archive contents.', {
      detail: error instanceof Error ? error.message : undefined,
      cause: error,
    })
  } finally {
    archive.close()
  }
}

function openZip(zip: Buffer): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    yauzl.fromBuffer(zip, { lazyEntries: true, validateEntrySizes: true }, (error, archive) => {
      if (error) reject(badRequest('Incomplete .zip archive file.', { detail: error.message, cause: error }))
      else resolve(archive)
    })
  })
}

async function* entriesOf(archive: yauzl.ZipFile): AsyncGenerator<yauzl.Entry> {
  for (;;) {
    const entry = await new Promise<yauzl.Entry | undefined>((resolve, reject) => {
      const onEntry = (next: yauzl.Entry): void => settle(() => resolve(next))
      const onEnd = (): void => settle(() => resolve(undefined))
      const onError = (error: Error): void => settle(() => reject(error))
      const settle = (finish: () => void): void => {
        archive.off('entry', onEntry).off('end', onEnd).off('error', onError)
        finish()
      }
      archive.on('entry', onEntry).on('end', onEnd).on('error', onError)
      archive.readEntry()
    })
    if (entry === undefined) return
    yield entry
  }
}

function contentOf(archive: yauzl.ZipFile, entry: yauzl.Entry): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    archive.openReadStream(entry, (error, stream) => {
      if (error) return reject(error)
      const chunks: Buffer[] = []
      let size = 0
      stream.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > entry.uncompressedSize) stream.destroy(tooLarge())
        else chunks.push(chunk)
      })
      stream.on('end', () => {
        const content = Buffer.concat(chunks)
        if (crc32(content) === entry.crc32) resolve(content)
        else reject(new Error(`the checksum of ${JSON.stringify(entry.fileName)} is wrong`))
      })
      stream.on('error', reject)
    })
  })
}

function tooLarge(): ApiError {
  return new ApiError(413, 'Expanded .zip archive exceeds maximum size.')
}
