import { type Selectable, sql } from 'kysely'

import { type Action, type Actor, authorize } from '../authz/index.ts'
import { type Db, prepared } from '../database/index.ts'
import type { McpSessionMessagesTable, McpSessionsTable } from '../database/tables.ts'

/** A stored session. */
export type McpSessionRow = Selectable<McpSessionsTable>

/** What a session has sent or received. */
export type McpMessageRow = Pick<Selectable<McpSessionMessagesTable>, 'id' | 'message' | 'is_last'>

/** More than the tools of a person have open, with those that were left without a word. */
const MAX_OF_USER = 2_000
/** Messages of a session that are kept; the oldest go first. */
const MAX_MESSAGES = 1_000
/** What they may hold together, in bytes: more than two of the longest. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024

/** Sessions stand beside the tokens that clients work with, and have rights of no kind of their own. */
function authorizeSessions(actor: Actor, action: Extract<Action, 'create' | 'read' | 'delete'>): void {
  authorize(actor, action, { type: 'oauth2_app_code_token' })
}

/** Opens a session for a user; their longest unused ones give way. @throws ApiError 403. */
export async function insertSession(
  actor: Actor,
  db: Db,
  session: { readonly userId: string; readonly protocolVersion: string; readonly client: string },
): Promise<McpSessionRow> {
  authorizeSessions(actor, 'create')
  await db
    .deleteFrom('mcp_sessions')
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('mcp_sessions')
        .select('id')
        .where('user_id', '=', session.userId)
        .orderBy('last_used_at', 'desc')
        .offset(MAX_OF_USER - 1),
    )
    .execute()
  return db
    .insertInto('mcp_sessions')
    .values({ user_id: session.userId, protocol_version: session.protocolVersion, client: session.client })
    .returningAll()
    .executeTakeFirstOrThrow()
}

const byId = prepared<{ id: string }, McpSessionRow>((db, p) =>
  db.selectFrom('mcp_sessions').selectAll().where('id', '=', p('id')),
)

/** A session by its id, whoever's it is. @throws ApiError 403. */
export async function findSession(actor: Actor, db: Db, id: string): Promise<McpSessionRow | undefined> {
  authorizeSessions(actor, 'read')
  return (await byId(db, { id }))[0]
}

/** Notes that a session is in use. @throws ApiError 403. */
export async function touchSession(actor: Actor, db: Db, id: string): Promise<void> {
  authorizeSessions(actor, 'create')
  await db.updateTable('mcp_sessions').set({ last_used_at: sql`now()` }).where('id', '=', id).execute()
}

/** Changes what a client has said about its session. @throws ApiError 403. */
export async function updateSession(
  actor: Actor,
  db: Db,
  id: string,
  change: {
    readonly logLevel?: string
    readonly subscribe?: string
    readonly unsubscribe?: string
    readonly listener?: string
  },
): Promise<void> {
  authorizeSessions(actor, 'create')
  await db
    .updateTable('mcp_sessions')
    .set({
      last_used_at: sql`now()`,
      ...(change.logLevel === undefined ? {} : { log_level: change.logLevel }),
      ...(change.subscribe === undefined
        ? {}
        : {
            subscriptions: sql`array_append(array_remove(subscriptions, ${change.subscribe}), ${change.subscribe})`,
          }),
      ...(change.unsubscribe === undefined
        ? {}
        : { subscriptions: sql`array_remove(subscriptions, ${change.unsubscribe})` }),
      ...(change.listener === undefined ? {} : { listener: change.listener }),
    })
    .where('id', '=', id)
    .execute()
}

/** Ends a session with all that is kept of it. @throws ApiError 403. */
export async function deleteSession(actor: Actor, db: Db, id: string): Promise<void> {
  authorizeSessions(actor, 'delete')
  await db.deleteFrom('mcp_sessions').where('id', '=', id).execute()
}

/**
 * Keeps a message of a session.
 *
 * @param message without a stream it is what the client has sent to whichever replica is at its call.
 * @returns its id, which orders the messages of a stream; undefined when the session has ended.
 * @throws ApiError 403.
 */
export async function insertMessage(
  actor: Actor,
  db: Db,
  message: {
    readonly sessionId: string
    readonly streamId: string | undefined
    readonly text: string
    readonly isLast: boolean
  },
): Promise<number | undefined> {
  authorizeSessions(actor, 'create')
  const { rows } = await sql<{ id: string }>`
    with old as (
      delete from mcp_session_messages where id in (
        select id from (
          select id, row_number() over younger as place, sum(octet_length(message)) over younger as bytes
            from mcp_session_messages where session_id = ${message.sessionId}
          window younger as (order by id desc)) kept
         where place >= ${MAX_MESSAGES} or bytes > ${MAX_MESSAGE_BYTES - Buffer.byteLength(message.text)}))
    insert into mcp_session_messages (session_id, stream_id, message, is_last)
    select id, ${message.streamId ?? null}::uuid, ${message.text}, ${message.isLast}
      from mcp_sessions where id = ${message.sessionId}
    returning id::text as id`.execute(db)
  const [row] = rows
  return row === undefined ? undefined : Number(row.id)
}

/** The stream of a session that has sent a message. @throws ApiError 403. */
export async function findStream(
  actor: Actor,
  db: Db,
  sessionId: string,
  messageId: number,
): Promise<string | undefined> {
  authorizeSessions(actor, 'read')
  const row = await db
    .selectFrom('mcp_session_messages')
    .select('stream_id')
    .where('session_id', '=', sessionId)
    .where('id', '=', messageId)
    .executeTakeFirst()
  return row?.stream_id ?? undefined
}

/** What a stream has sent behind a message, in order. @throws ApiError 403. */
export async function listMessages(
  actor: Actor,
  db: Db,
  stream: { readonly sessionId: string; readonly streamId: string; readonly after: number },
): Promise<McpMessageRow[]> {
  authorizeSessions(actor, 'read')
  return db
    .selectFrom('mcp_session_messages')
    .select(['id', 'message', 'is_last'])
    .where('session_id', '=', stream.sessionId)
    .where('stream_id', '=', stream.streamId)
    .where('id', '>', stream.after)
    .orderBy('id')
    .limit(MAX_MESSAGES)
    .execute()
}

/** What a client has sent to a call. @throws ApiError 403. */
export async function findMessage(actor: Actor, db: Db, id: number): Promise<string | undefined> {
  authorizeSessions(actor, 'read')
  const row = await db
    .selectFrom('mcp_session_messages')
    .select('message')
    .where('id', '=', id)
    .executeTakeFirst()
  return row?.message
}
