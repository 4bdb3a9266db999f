import type * as contract from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { ChatParts } from './create-chat.ts'
import { type ChatDetails, presentChat } from './present.ts'
import { getChatFamily } from './store/views.ts'

/**
 * One chat as the API shows it alone: with its children, its files, and what other features say about it.
 *
 * @throws ApiError 404 when it is absent or may not be read (CH-302).
 */
export async function presentFamily(
  { context, details = [] }: ChatParts,
  actor: Actor,
  id: string,
): Promise<contract.Chat> {
  const { chat, children, files } = await getChatFamily(actor, context.database.db, id)
  const further = await Promise.all(details.map((detail) => detail([chat])))
  const all: ChatDetails = Object.assign(
    files.length === 0 ? {} : { files: [...files] },
    ...further.map((known) => known.get(chat.id)),
  )
  return presentChat(context, chat, children, new Map([[chat.id, all]]))
}
