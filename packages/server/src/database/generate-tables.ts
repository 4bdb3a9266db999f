import { writeFile } from 'node:fs/promises'

import pg from 'pg'

const SCALARS: Readonly<Record<string, string>> = {
  uuid: 'string',
  text: 'string',
  inet: 'string',
  xid8: 'string',
  bool: 'boolean',
  int2: 'number',
  int4: 'number',
  float8: 'number',
  int8: 'number',
  timestamptz: 'Date',
  date: 'string',
  bytea: 'Buffer',
  jsonb: 'Json',
}

interface ColumnRow {
  readonly table_name: string
  readonly column_name: string
  readonly type: string
  readonly is_array: boolean
  readonly enum_values: string[] | null
  readonly check_values: string[] | null
  readonly nullable: boolean
  readonly has_default: boolean
  readonly never_written: boolean
}

const QUERY = `
select c.relname as table_name, a.attname as column_name,
       case when t.typelem <> 0 and t.typcategory = 'A' then e.typname else t.typname end as type,
       t.typcategory = 'A' as is_array,
       (select array_agg(l.enumlabel::text order by l.enumsortorder) from pg_enum l
         where l.enumtypid = case when t.typcategory = 'A' then t.typelem else t.oid end) as enum_values,
       (select array_agg(m[1]) from pg_constraint k,
          regexp_matches(pg_get_constraintdef(k.oid), '''([^'']*)''::text', 'g') m
         where k.conrelid = c.oid and k.contype = 'c' and k.conkey = array[a.attnum]
           and pg_get_constraintdef(k.oid) like 'CHECK ((' || quote_ident(a.attname) || ' = ANY (ARRAY[%') as check_values,
       case when c.relkind = 'v' then exists (
         select 1 from pg_rewrite w
           join pg_depend d on d.objid = w.oid and d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
           join pg_attribute b on b.attrelid = d.refobjid and b.attnum = d.refobjsubid
          where w.ev_class = c.oid and b.attname = a.attname and not b.attnotnull)
       else not a.attnotnull end as nullable,
       (a.atthasdef or a.attidentity <> '') as has_default,
       (a.attgenerated <> '' or a.attidentity = 'a' or c.relkind = 'v') as never_written
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  join pg_type t on t.oid = a.atttypid
  left join pg_type e on e.oid = t.typelem
 where c.relkind in ('r', 'v') and c.relname <> 'slipway_migrations'
 order by c.relname, a.attnum`

/**
 * Writes the row types of a migrated database as TypeScript to `file`. Deterministic, so that CI can tell
 * a stale file (L-H9).
 */
export async function generateTables(url: string, file: URL | string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<ColumnRow>(QUERY)
    await writeFile(file, render(rows))
  } finally {
    await client.end()
  }
}

function render(columns: readonly ColumnRow[]): string {
  const tables = Map.groupBy(columns, (column) => column.table_name)
  const interfaces = [...tables].map(
    ([table, own]) => `export interface ${pascal(table)}Table {\n${own.map(renderColumn).join('\n')}\n}`,
  )
  return `// Generated from the migrations by \`npm run generate\`. Do not edit.
import type { ColumnType, Generated } from 'kysely'

/** Any JSON value. Written as text, read as a value. */
export type Json = ColumnType<JsonValue, string, string>
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue | undefined }

${interfaces.join('\n\n')}

/** All tables and views by name. */
export interface Tables {
${[...tables.keys()].map((table) => `  ${table}: ${pascal(table)}Table`).join('\n')}
}
`
}

function renderColumn(column: ColumnRow): string {
  const union = column.enum_values ?? column.check_values
  let type =
    union === null ? (SCALARS[column.type] ?? 'unknown') : union.map((value) => `'${value}'`).join(' | ')
  if (column.is_array) type = union === null ? `${type}[]` : `(${type})[]`
  if (column.type === 'jsonb') {
    const nullable = column.nullable ? ' | null' : ''
    const insert = column.has_default ? 'string | undefined' : `string${nullable}`
    return `  ${column.column_name}: ColumnType<JsonValue${nullable}, ${insert}, string${nullable}>`
  }
  if (column.nullable) type = `${type} | null`
  if (column.never_written) return `  ${column.column_name}: ColumnType<${type}, never, never>`
  return `  ${column.column_name}: ${column.has_default ? `Generated<${type}>` : type}`
}

function pascal(name: string): string {
  return name.replace(/(^|_)([a-z])/g, (_match, _separator: string, letter: string) => letter.toUpperCase())
}
