import type pg from 'pg'

import { catalogsOf, rowsOf, sequencesOf, type TemplateState, tablesWithPages } from './template-state.ts'

/** Above this size, in bytes, what rows have left in the tables would slow down whoever gets the database next. */
const MAX_BYTES = 16 << 20

/**
 * Makes a used copy of the template equal to it again, by the rows that it holds and the state of its sequences.
 *
 * @returns false when it cannot be: its schema was changed, or it has grown too large. It is not to be used then.
 */
export async function clean(client: pg.Client, template: TemplateState): Promise<boolean> {
  if ((await catalogsOf(client)) !== template.catalogs) return false
  const tables = await tablesWithPages(client)
  if ((await sizeOf(client, tables)) > MAX_BYTES) return false
  await client.query('begin')
  // Neither foreign keys nor triggers take part: every row goes, and nobody is to hear of it.
  await client.query('set local session_replication_role = replica')
  const emptied = tables.filter((table) => template.rows[table] === undefined)
  await client.query(emptied.map((table) => `delete from ${table}`).join(';'))
  for (const [table, rows] of Object.entries(template.rows))
    if ((await rowsOf(client, table)) !== rows) await restoreRows(client, table, rows)
  for (const [name, last] of Object.entries(await sequencesOf(client)))
    if (last !== template.sequences[name]) await restoreSequence(client, name, template.sequences[name])
  await client.query('commit')
  return true
}

async function sizeOf(client: pg.Client, tables: readonly string[]): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    `select coalesce(sum(pg_table_size(name::regclass)), 0) as bytes from unnest($1::text[]) as name`,
    [tables],
  )
  return Number(rows[0]?.bytes)
}

async function restoreRows(client: pg.Client, table: string, rows: string): Promise<void> {
  await client.query(`delete from ${table}`)
  await client.query(
    `insert into ${table} overriding system value select * from json_populate_recordset(null::${table}, $1)`,
    [rows],
  )
}

async function restoreSequence(
  client: pg.Client,
  name: string,
  last: string | null | undefined,
): Promise<void> {
  if (last === null || last === undefined)
    await client.query(
      'select setval($1::regclass, seqstart, false) from pg_sequence where seqrelid = $1::regclass',
      [name],
    )
  else await client.query('select setval($1::regclass, $2::bigint)', [name, last])
}
