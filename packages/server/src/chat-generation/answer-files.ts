import { linkFiles, storeToolFile } from '../chat-files/index.ts'
import type { ChatRow, FilePart, Part } from '../chats/index.ts'
import type { Db } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { CHATD } from './chatd.ts'

/**
 * Stores what a model has made as files of its chat, in the transaction that commits its answer, so that they are shown
 * and loaded as others are (CH-124). What is no file of chats leaves a note.
 *
 * @returns the parts of the answer as they are stored.
 */
export async function storeMadeFiles(
  tx: Db,
  chat: ChatRow,
  parts: readonly Part[],
): Promise<readonly Part[]> {
  const stored: Part[] = []
  for (const part of parts)
    stored.push(
      part.type === 'file' && part.file_id === undefined
        ? await storeMadeFile(tx, chat, part, stored.length + 1)
        : part,
    )
  const made = stored.flatMap((part) => (part.type === 'file' ? (part.file_id ?? []) : []))
  await linkIfRoom(tx, chat, made)
  return stored
}

/** Links files to a chat that has room for them; where it has none they are stored and shown in their message all the same. */
export async function linkIfRoom(tx: Db, chat: ChatRow, fileIds: readonly string[]): Promise<void> {
  try {
    await linkFiles(CHATD, tx, chat.id, fileIds)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
  }
}

async function storeMadeFile(tx: Db, chat: ChatRow, part: FilePart, n: number): Promise<Part> {
  const name = part.name ?? `made-${n}.${part.media_type.replace(/^.*[/.+-]/, '')}`
  try {
    const info = await storeToolFile(CHATD, tx, {
      ownerId: chat.owner_id,
      organizationId: chat.organization_id,
      name,
      data: Buffer.from(part.data ?? '', 'base64'),
    })
    return { type: 'file', file_id: info.id, media_type: info.mimetype, name: info.name }
  } catch (error) {
    if (!(error instanceof ApiError) || error.status >= 500) throw error
    return {
      type: 'hook-notice',
      text: `The model made a file that cannot be kept (${part.media_type.slice(0, 128)}): ${error.message}`,
    }
  }
}
