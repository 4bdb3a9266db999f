import * as contract from '@slipway/contract'
import { authorize, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, baseUrl, forAnyone, forSession } from '../edge/index.ts'
import { badRequest, notFound } from '../errors/index.ts'
import { actorOf, findStanding, roleOptions } from '../identity/index.ts'
import { getOrganization } from '../organizations/index.ts'
import { isUuid } from '../search/index.ts'
import { DownloadLinks } from './download-links.ts'
import { fileNameOf } from './file-name.ts'
import { MAX_FILE_BYTES, uploadFile } from './files.ts'
import { serveFile } from './serve-file.ts'
import { getFileInfo } from './store/files.ts'

/** Requests for files in a minute, of one user and path (CH-440, ID-123). */
const FILES = { perMinute: 12 }

const FOR_EVER = 'private, max-age=31536000, immutable'

const reader = systemActor(
  'chatd',
  'a signed link to a file says who asked for it, and comes without a session',
)

/** Files of chats: their upload, and the ways to load them (chapter 04, section 4.6). */
export function chatFileRoutes(context: AppContext): BoundRoute[] {
  const { db } = context.database
  const links = new DownloadLinks(context)
  return [
    forSession(
      contract.uploadChatFile,
      async ({ actor, query, bytes, raw }) => {
        const { organization: organizationId } = query
        authorize(actor, 'create', { type: 'chat', owner: actor.id, organization: organizationId })
        await getOrganization(actor, db, organizationId)
        const name = fileNameOf(raw.headers['content-disposition'])
        if (name === undefined)
          throw badRequest('A file name is required.', {
            detail: 'Send it as Content-Disposition: attachment; filename="…".',
          })
        const file = { ownerId: actor.id, organizationId, name, data: bytes }
        const { id } = await uploadFile(actor, db, file, raw.headers['content-type'] ?? '')
        return { id }
      },
      { ...FILES, bodyLimit: MAX_FILE_BYTES },
    ),
    forSession(
      contract.getChatFile,
      async (incoming) => {
        const { actor, params } = incoming
        const file = await getFileInfo(actor, db, fileIdOf(params))
        await serveFile(actor, db, file, incoming, FOR_EVER)
        return undefined
      },
      FILES,
    ),
    forSession(
      contract.createChatFileDownloadUrl,
      async ({ actor, params, context: request }) => {
        const file = await getFileInfo(actor, db, fileIdOf(params))
        const { token, expiresAt } = await links.sign({ userId: actor.id, fileId: file.id })
        const path = contract.downloadChatFile.path.replace('{file}', file.id)
        return {
          url: `${baseUrl(request, context.config.accessUrl)}${path}?token=${encodeURIComponent(token)}`,
          expires_at: expiresAt.toISOString(),
          sha256: file.sha256.toString('hex'),
          size_bytes: file.size_bytes,
          name: file.name,
          mime_type: file.mimetype,
        }
      },
      FILES,
    ),
    forAnyone(
      contract.downloadChatFile,
      async (incoming) => {
        const { params, query, reply } = incoming
        // Of failures too: what is wrong with a link must not stay in a cache either.
        reply.header('Cache-Control', 'no-store')
        const fileId = fileIdOf(params)
        const right = await links.verify(query.token)
        if (right?.fileId !== fileId) throw notFound()
        // The rights of now: somebody may have been suspended, or a chat be shared no longer.
        const standing = await findStanding(reader, db, right.userId)
        if (standing?.status !== 'active') throw notFound()
        const actor = actorOf(right.userId, standing, roleOptions(context))
        await serveFile(actor, db, await getFileInfo(actor, db, fileId), incoming, 'no-store')
        return undefined
      },
      FILES,
    ),
  ]
}

/** @throws ApiError 404 for what is no id. */
function fileIdOf(params: Readonly<Record<string, string>>): string {
  const id = (params.file ?? '').toLowerCase()
  if (!isUuid(id)) throw notFound()
  return id
}
