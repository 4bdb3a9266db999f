import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import { batchesOf, type Db, prepared } from '../../database/index.ts'
import type { AuditEntry } from '../entry.ts'

/** Entries as columns, each value in that of its kind. */
interface Columns extends Record<string, unknown> {
  readonly ids: string[]
  readonly users: (string | null)[]
  readonly organizations: (string | null)[]
  readonly addresses: (string | null)[]
  readonly userAgents: string[]
  readonly types: string[]
  readonly resources: string[]
  readonly targets: string[]
  readonly icons: string[]
  readonly actions: string[]
  readonly diffs: string[]
  readonly statuses: number[]
  readonly additional: string[]
  readonly requests: string[]
  readonly times: (Date | null)[]
}

interface Stored {
  readonly id: string
  readonly time: Date
}

/** An entry with the id that it is found by. */
type NewEntry = AuditEntry & { readonly id: string }

const insertAll = prepared<Columns, Stored>((db, p) => ({
  compile: () =>
    sql<Stored>`
      insert into audit_logs (id, user_id, organization_id, ip, user_agent, resource_type, resource_id, resource_target,
                              resource_icon, action, diff, status_code, additional_fields, request_id, "time")
      select id, user_id, organization_id, ip, user_agent, type, resource_id, target, icon, action, diff, status, additional,
             request_id, coalesce(at, clock_timestamp())
        from unnest(${p('ids')}::uuid[], ${p('users')}::uuid[], ${p('organizations')}::uuid[], ${p('addresses')}::inet[],
                    ${p('userAgents')}::text[], ${p('types')}::text[], ${p('resources')}::uuid[], ${p('targets')}::text[],
                    ${p('icons')}::text[], ${p('actions')}::text[], ${p('diffs')}::jsonb[], ${p('statuses')}::integer[],
                    ${p('additional')}::jsonb[], ${p('requests')}::uuid[], ${p('times')}::timestamptz[])
          as entry(id, user_id, organization_id, ip, user_agent, type, resource_id, target, icon, action, diff, status,
                   additional, request_id, at)
      returning id, "time"`.compile(db),
}))

/**
 * What is recorded at the same time is stored together: of one entry the commit costs more than the row, and a second
 * commit beside the first waits for the same disk.
 */
const insertTogether = batchesOf(
  async (db: Db, entries: readonly NewEntry[]) => {
    const stored = await insertAll(db, {
      ids: entries.map(({ id }) => id),
      users: entries.map(({ user }) => user?.id ?? null),
      organizations: entries.map(({ organizationId }) => organizationId ?? null),
      addresses: entries.map(({ ip }) => ip ?? null),
      userAgents: entries.map(({ userAgent }) => userAgent),
      types: entries.map(({ type }) => type),
      resources: entries.map(({ resourceId }) => resourceId),
      targets: entries.map(({ target }) => target),
      icons: entries.map(({ icon }) => icon),
      actions: entries.map(({ action }) => action),
      diffs: entries.map(({ diff }) => JSON.stringify(diff)),
      statuses: entries.map(({ status }) => status),
      additional: entries.map(({ additionalFields }) => JSON.stringify(additionalFields)),
      requests: entries.map(({ requestId }) => requestId),
      times: entries.map(({ time }) => time ?? null),
    })
    const times = new Map(stored.map(({ id, time }) => [id, time]))
    return entries.map(({ id }) => times.get(id))
  },
  { atOnce: 1 },
)

/** Appends an entry; resolves to its time. @throws ApiError 403 without `system:create`. */
export async function insertAuditEntry(actor: Actor, db: Db, entry: NewEntry): Promise<Date | undefined> {
  authorize(actor, 'create', { type: 'system' })
  return insertTogether(db, entry)
}
