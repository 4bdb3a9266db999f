import { buffer } from 'node:stream/consumers'

import tar from 'tar-stream'

import { EngineError } from '../engine.ts'
import { ENTRY } from './sandbox-protocol.ts'

const MAX_FILES = 1_000
const MAX_SOURCE_BYTES = 4 * 1024 * 1024
const SOURCE = /\.(m?ts|m?js|json)$/

/** What a template archive holds, as far as this engine reads it. */
export interface TemplateSource {
  /** Text of source files by path. */
  readonly files: ReadonlyMap<string, string>
  /** `README.md` of the root; empty without one. */
  readonly readme: string
}

/**
 * Reads the sources of an archive into memory: nothing is ever unpacked to disk, so that no name in it can
 * point anywhere (PR-64, L-S8).
 *
 * @throws EngineError when it is damaged, too large, or has no `template.ts`.
 */
export async function readArchive(archive: Uint8Array): Promise<TemplateSource> {
  const files = new Map<string, string>()
  let readme = ''
  let size = 0
  const extract = tar.extract()
  extract.end(Buffer.from(archive))
  try {
    for await (const entry of extract) {
      // An archive that ends inside of an entry breaks the entry too; the loop throws the error.
      entry.on('error', () => undefined)
      const name = entry.header.name.replace(/^\.\//, '')
      const wanted = entry.header.type === 'file' && (SOURCE.test(name) || name === 'README.md')
      if (!wanted) {
        entry.resume()
        continue
      }
      size += entry.header.size ?? 0
      if (size > MAX_SOURCE_BYTES || files.size >= MAX_FILES)
        throw new EngineError(
          `the sources of the template are larger than ${MAX_SOURCE_BYTES} bytes or more than ${MAX_FILES} files`,
        )
      const text = (await buffer(entry)).toString('utf8')
      if (name === 'README.md') readme = text
      else files.set(name, text)
    }
  } catch (error) {
    if (error instanceof EngineError) throw error
    throw new EngineError('the template archive is damaged: upload it again', { cause: error })
  }
  if (!files.has(ENTRY))
    throw new EngineError(
      `the template has no ${ENTRY} in its root: run \`slipway templates init\` for an example`,
    )
  return { files, readme }
}
