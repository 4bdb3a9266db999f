import { createHash } from 'node:crypto'

import * as contract from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { badRequest, notFound } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'
import { checkTar } from './check-tar.ts'
import { getFile, storeFile } from './store.ts'
import { tarToZip } from './tar-to-zip.ts'
import { MAX_ARCHIVE_BYTES, zipToTar } from './zip-to-tar.ts'

const TAR = 'application/x-tar'

/** Upload and download of template archives (WS §5). */
export function fileRoutes(context: AppContext): BoundRoute[] {
  const db = context.database.db
  return [
    forSession(
      contract.uploadFile,
      async ({ actor, bytes, raw, reply }) => {
        const data = await asTar(bytes, raw.headers['content-type'] ?? '')
        const { id, created } = await storeFile(actor, db, {
          hash: createHash('sha256').update(data).digest('hex'),
          mimetype: TAR,
          data,
          createdBy: actor.id,
        })
        reply.code(created ? 201 : 200)
        return { hash: id }
      },
      { bodyLimit: MAX_ARCHIVE_BYTES, perMinute: 12 },
    ),
    forSession(contract.getFile, async ({ actor, params, raw, reply }) => {
      const format = raw.search.get('format') ?? ''
      if (format !== '' && format !== 'zip') throw badRequest('Unsupported conversion format.')
      const id = params.fileID ?? ''
      if (!isUuid(id)) throw notFound()
      const file = await getFile(actor, db, id)
      if (format === 'zip' && file.mimetype !== TAR)
        throw badRequest('Only .tar files can be converted to .zip format')
      const body = format === 'zip' ? await tarToZip(file.data) : file.data
      await reply.type(format === 'zip' ? 'application/zip' : file.mimetype).send(body)
      return undefined
    }),
  ]
}

async function asTar(bytes: Buffer, type: string): Promise<Buffer> {
  switch (type) {
    case TAR:
      await checkTar(bytes)
      return bytes
    case 'application/zip':
    case 'application/x-zip-compressed':
      return zipToTar(bytes)
    default:
      throw badRequest(`Unsupported content type header "${type}".`)
  }
}
