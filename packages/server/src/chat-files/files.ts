import { createHash } from 'node:crypto'

import type { Actor } from '../authz/index.ts'
import type { Db } from '../context.ts'
import { ApiError, badRequest } from '../errors/index.ts'
import { safeName } from './file-name.ts'
import { ALLOWED_TYPES, agrees, detectType, isAllowedType } from './media-type.ts'
import { type ChatFileInfo, findFiles, insertFile, insertFileLinks, readFileBytes } from './store/files.ts'

/** Bytes of a file (CH-440). */
export const MAX_FILE_BYTES = 10 * 1024 * 1024

/** A file that is to be stored. */
export interface NewChatFile {
  readonly ownerId: string
  readonly organizationId: string
  readonly name: string
  readonly data: Buffer
}

/**
 * Stores a file that a user uploads, as what its bytes say that it is (CH-441).
 *
 * @param declared media type that the client gives it.
 * @throws ApiError 400 for a file that is empty, of a type that is not taken, or not what it is called; 403.
 */
export async function uploadFile(
  actor: Actor,
  db: Db,
  file: NewChatFile,
  declared: string,
): Promise<ChatFileInfo> {
  return store(actor, db, file, declared)
}

/**
 * Stores a file that a tool has made in a workspace (CH-124). Whoever commits the message that holds it links it.
 *
 * @throws ApiError 400 for a file that is empty, has no name or a type that is not taken; 413 when it is too large; 403.
 */
export async function storeToolFile(actor: Actor, db: Db, file: NewChatFile): Promise<ChatFileInfo> {
  if (file.data.length > MAX_FILE_BYTES)
    throw new ApiError(413, 'The file is too large.', {
      detail: `At most ${MAX_FILE_BYTES} bytes are taken.`,
    })
  const name = safeName(file.name)
  if (name === undefined) throw badRequest('The file needs a name.')
  return store(actor, db, { ...file, name }, 'application/octet-stream')
}

async function store(
  actor: Actor,
  db: Db,
  { ownerId, organizationId, name, data }: NewChatFile,
  declared: string,
): Promise<ChatFileInfo> {
  if (data.length === 0) throw badRequest('The file is empty.')
  const detected = detectType(data, name)
  if (!isAllowedType(detected))
    throw badRequest('Unsupported file type.', {
      detail: `The file is ${detected}; these are taken: ${ALLOWED_TYPES.join(', ')}.`,
    })
  if (!agrees(declared, detected))
    throw badRequest('The content type does not match the file.', {
      detail: `It was sent as ${JSON.stringify(declared.slice(0, 128))} and is ${detected}.`,
    })
  return insertFile(actor, db, {
    owner_id: ownerId,
    organization_id: organizationId,
    name,
    mimetype: detected,
    data,
    size_bytes: data.length,
    sha256: createHash('sha256').update(data).digest(),
  })
}

/**
 * Links files to a chat, inside the transaction that writes the message with them (CH-131).
 *
 * @returns the files, each once, in the order in which they were given.
 * @throws ApiError 400 `Chat attachment unavailable.` for a file that is absent or may not be read, 400 `Chat attachment
 * limit reached.`; 404 for a chat that the actor may not change.
 */
export async function linkFiles(
  actor: Actor,
  tx: Db,
  chatId: string,
  fileIds: readonly string[],
): Promise<ChatFileInfo[]> {
  if (fileIds.length === 0) return []
  return inOrder(await insertFileLinks(actor, tx, chatId, fileIds), fileIds)
}

/** Those of these files that are there and that the actor may read, each once, in the order in which they were given. */
export async function findReadableFiles(
  actor: Actor,
  db: Db,
  fileIds: readonly string[],
): Promise<ChatFileInfo[]> {
  if (fileIds.length === 0) return []
  return inOrder(await findFiles(actor, db, fileIds), fileIds)
}

function inOrder(files: readonly ChatFileInfo[], ids: readonly string[]): ChatFileInfo[] {
  const byId = new Map(files.map((file) => [file.id, file]))
  return [...new Set(ids.map((id) => id.toLowerCase()))].flatMap((id) => byId.get(id) ?? [])
}

/** A file with its bytes, for a prompt. */
export interface FileForModel {
  readonly info: ChatFileInfo
  readonly data: Buffer
}

/** A file for a prompt; undefined when it is gone, as purged files are, or may not be read (CH-704). */
export async function readFileForModel(actor: Actor, db: Db, id: string): Promise<FileForModel | undefined> {
  const [info] = await findReadableFiles(actor, db, [id])
  if (info === undefined) return undefined
  try {
    return { info, data: await readFileBytes(actor, db, id) }
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}
