import { sql } from 'kysely'

import {
  type AccessList,
  type Actor,
  accessListOf,
  isAllowed,
  type ResourceObject,
} from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { notFound } from '../../errors/index.ts'
import { isUuid } from '../../search/index.ts'
import { type ChatRow, ownedChat } from './locked.ts'

/** A chat with who else may read it: what its root says (CH-304). */
export interface ReadableChat {
  readonly chat: ChatRow
  readonly userAcl: AccessList
  readonly groupAcl: AccessList
}

/** What permissions to read speak of. */
export function readableObject({ chat, userAcl, groupAcl }: ReadableChat): ResourceObject {
  return { ...ownedChat(chat), userAcl, groupAcl }
}

/** A chat as it is now. @throws ApiError 404 when it is absent or may not be read (CH-302). */
export async function getReadableChat(actor: Actor, db: Db, id: string): Promise<ReadableChat> {
  if (!isUuid(id)) throw notFound()
  const row = await db
    .selectFrom('chats as c')
    .leftJoin('chats as r', (join) =>
      join.on(sql<boolean>`r.id = coalesce(c.root_chat_id, c.parent_chat_id, c.id)`),
    )
    .selectAll('c')
    .select(['r.user_acl as root_user_acl', 'r.group_acl as root_group_acl'])
    .where('c.id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw notFound()
  const { root_user_acl, root_group_acl, ...chat } = row
  const found = {
    chat,
    userAcl: accessListOf(root_user_acl ?? {}),
    groupAcl: accessListOf(root_group_acl ?? {}),
  }
  if (!isAllowed(actor, 'read', readableObject(found))) throw notFound()
  return found
}
