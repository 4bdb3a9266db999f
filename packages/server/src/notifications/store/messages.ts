import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { NotificationMessagesTable, UsersTable } from '../../database/tables.ts'

/** A stored message. */
export type MessageRow = Selectable<NotificationMessagesTable>

/** By which way a message goes. */
export type Method = MessageRow['method']

/** Who a message is for. */
export type Recipient = Pick<Selectable<UsersTable>, 'id' | 'email' | 'name' | 'username'>

/** Users by their ids, or all who may sign in with one of some roles of the deployment. */
export type Audience =
  | { readonly userIds: readonly string[] }
  | { readonly roles: readonly string[]; readonly except: readonly string[] }

/** Users that one statement finds, at most. */
export const MAX_RECIPIENTS = 1_000

/**
 * Who is to be told of something, and the method that was chosen for its template.
 *
 * @throws ApiError 403 without `notification_message:create`.
 */
export async function findRecipients(
  actor: Actor,
  db: Db,
  templateId: string,
  audience: Audience,
): Promise<{ readonly recipients: Recipient[]; readonly method: Method | undefined }> {
  authorize(actor, 'create', { type: 'notification_message' })
  const rows = await db
    .selectFrom('users')
    .leftJoin('notification_template_methods as m', (join) => join.on('m.template_id', '=', templateId))
    .select(['users.id', 'users.email', 'users.name', 'users.username', 'm.method'])
    .where('users.deleted', '=', false)
    .where('users.is_system', '=', false)
    .where(
      'userIds' in audience
        ? sql<boolean>`users.id = any(${[...audience.userIds]}::uuid[])`
        : sql<boolean>`users.status <> 'suspended' and users.rbac_roles && ${[...audience.roles]}::text[]
            and users.id <> all(${[...audience.except]}::uuid[])`,
    )
    .limit(MAX_RECIPIENTS)
    .execute()
  return { recipients: rows, method: rows[0]?.method ?? undefined }
}

/** A message to queue. */
export interface NewMessage {
  readonly templateId: string
  readonly userId: string
  readonly method: Method
  readonly payload: unknown
  readonly targets: readonly string[]
  readonly dedupeHash: Buffer
}

/**
 * Queues messages, but those that their users do not want and those that were said today already (OP-131, OP-132).
 *
 * @param enabledByDefault whether users without a choice want it.
 * @throws ApiError 403 without `notification_message:create`.
 */
export async function insertMessages(
  actor: Actor,
  db: Db,
  messages: readonly NewMessage[],
  given: { readonly enabledByDefault: boolean; readonly now: Date },
): Promise<void> {
  authorize(actor, 'create', { type: 'notification_message' })
  if (messages.length === 0) return
  const rows = messages.map((message) => ({
    template_id: message.templateId,
    user_id: message.userId,
    method: message.method,
    payload: message.payload,
    targets: message.targets,
    hash: message.dedupeHash.toString('hex'),
  }))
  await sql`
    insert into notification_messages
      (template_id, user_id, method, payload, targets, dedupe_hash, created_at, updated_at)
    select m.template_id, m.user_id, m.method, m.payload, m.targets, decode(m.hash, 'hex'), ${given.now}, ${given.now}
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as m (template_id uuid, user_id uuid, method text, payload jsonb, targets uuid[], hash text)
     where coalesce(
       (select not p.disabled from notification_preferences p
         where p.user_id = m.user_id and p.template_id = m.template_id), ${given.enabledByDefault}::boolean)
    on conflict (dedupe_hash) do nothing`.execute(db)
}

/** A message that is ours to deliver. */
export type LeasedMessage = Pick<
  MessageRow,
  'id' | 'template_id' | 'method' | 'payload' | 'targets' | 'attempt_count' | 'created_at'
> & {
  /** What the user has chosen for its template by now; null for nothing. */
  readonly disabled: boolean | null
}

/**
 * Takes the oldest messages that wait, as long as nobody has paused the notifier; others do not get them until the lease
 * ends (OP-133). Each lease counts as an attempt, so that a message that ends the process is not tried for ever.
 *
 * @throws ApiError 403 without `notification_message:update`.
 */
export async function leaseMessages(
  actor: Actor,
  db: Db,
  lease: {
    readonly holder: string
    readonly now: Date
    readonly until: Date
    readonly limit: number
    readonly maxAttempts: number
  },
): Promise<LeasedMessage[]> {
  authorize(actor, 'update', { type: 'notification_message' })
  // Apart from the update, so that the limit counts once.
  const { rows } = await sql<LeasedMessage>`
    with waiting as materialized (
      select id from notification_messages
       where status in ('pending', 'temporary_failure', 'leased')
         and (status <> 'leased' or leased_until < ${lease.now})
         and (status <> 'temporary_failure' or next_retry_after <= ${lease.now})
         and attempt_count < ${lease.maxAttempts}
         and not exists (select from site_configs where key = 'notifications_paused' and value = 'true')
       order by created_at limit ${lease.limit} for update skip locked)
    update notification_messages m
       set status = 'leased', status_reason = ${`Leased by notifier ${lease.holder}`},
           leased_until = ${lease.until}, attempt_count = m.attempt_count + 1, updated_at = ${lease.now}
      from waiting
     where m.id = waiting.id
    returning m.id, m.template_id, m.method, m.payload, m.targets, m.attempt_count, m.created_at,
      (select p.disabled from notification_preferences p
        where p.user_id = m.user_id and p.template_id = m.template_id) as disabled`.execute(db)
  return rows
}

/** What became of a message that was ours. */
export interface Outcome {
  readonly id: string
  /** Number of the attempt. */
  readonly attempt: number
  readonly status: 'sent' | 'temporary_failure' | 'permanent_failure' | 'inhibited'
  readonly reason: string
  readonly nextRetryAfter: Date | undefined
  readonly at: Date
}

/**
 * Writes what became of messages. Of one that somebody else tries by now, because the lease has ended, only that it was
 * delivered after all counts.
 *
 * @throws ApiError 403 without `notification_message:update`.
 */
export async function storeOutcomes(actor: Actor, db: Db, outcomes: readonly Outcome[]): Promise<void> {
  authorize(actor, 'update', { type: 'notification_message' })
  const rows = outcomes.map(({ id, attempt, status, reason, nextRetryAfter, at }) => ({
    id,
    attempt,
    status,
    // Servers write what they like, and the database takes neither NUL nor half a character.
    reason: reason.replaceAll('\0', '').slice(0, 1_024).toWellFormed(),
    retry: nextRetryAfter?.toISOString(),
    at: at.toISOString(),
  }))
  await sql`
    update notification_messages m
       set status = o.status, status_reason = o.reason, next_retry_after = o.retry, leased_until = null,
           updated_at = o.at
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as o (id uuid, attempt integer, status text, reason text, retry timestamptz, at timestamptz)
     where m.id = o.id and m.status = 'leased'
       and (m.attempt_count = o.attempt or o.status = 'sent')`.execute(db)
}
