import type pg from 'pg'

/** What a copy of the migrated template database holds before anybody has used it. */
export interface TemplateState {
  /** Digest of its system catalogs: a copy that has another one was changed in its schema, rights or settings. */
  readonly catalogs: string
  /** The last value of each sequence; null for one that was never used. */
  readonly sequences: Readonly<Record<string, string | null>>
  /** The rows of each table that migrations put some into, as a JSON array. */
  readonly rows: Readonly<Record<string, string>>
}

/** Everything that a change of the schema or of its rights leaves a mark in; not what the planner and vacuum note. */
const CATALOGS =
  'attrdef attribute class constraint default_acl enum event_trigger extension foreign_server index inherits ' +
  'largeobject_metadata namespace policy proc publication publication_rel rewrite sequence statistic_ext trigger type'

/** Reads the state of the database that this client is connected to. */
export async function readTemplateState(client: pg.Client): Promise<TemplateState> {
  const rows: Record<string, string> = {}
  for (const table of await tablesWithPages(client)) {
    const held = await rowsOf(client, table)
    if (held !== '[]') rows[table] = held
  }
  return { catalogs: await catalogsOf(client), sequences: await sequencesOf(client), rows }
}

/**
 * Names, fit for statements, of the tables that may hold rows: the others have no page. It asks for the files, because to
 * ask for the sizes of tables opens each of them, which takes a new connection three times as long.
 */
export async function tablesWithPages(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class
     where relkind = 'r' and relnamespace = 'public'::regnamespace
       and (pg_stat_file(pg_relation_filepath(oid))).size > 0 order by 1`,
  )
  return rows.map((row) => row.name)
}

/** All rows of a table as a JSON array, in an order that does not depend on where they lie. */
export async function rowsOf(client: pg.Client, table: string): Promise<string> {
  const { rows } = await client.query<{ rows: string | null }>(
    `select json_agg(held order by held::text)::text as rows from ${table} as held`,
  )
  return rows[0]?.rows ?? '[]'
}

/** The last value of each sequence; null for one that was never used. */
export async function sequencesOf(client: pg.Client): Promise<Record<string, string | null>> {
  const { rows } = await client.query<{ name: string; last: string | null }>(
    `select format('%I', sequencename) as name, last_value as last from pg_sequences where schemaname = 'public'`,
  )
  return Object.fromEntries(rows.map(({ name, last }) => [name, last]))
}

/**
 * Digest of the system catalogs. A copy has the rows of its template with the numbers of the transactions that wrote
 * them, so that every change shows, also one that another statement undid. These are counted from the first one: to
 * tell the age of each row takes half the time of its number. What never ages came with the database.
 */
export async function catalogsOf(client: pg.Client): Promise<string> {
  const each = CATALOGS.split(' ').map(
    (name) =>
      `select '${name}' as catalog, count(*), age('3'::xid) - nullif(min(age(xmin)), 2147483647) from pg_${name}`,
  )
  const { rows } = await client.query<{ digest: string }>(
    `select md5(concat(
       (select string_agg(c::text, ',' order by catalog) from (${each.join(' union all ')}) as c),
       (select concat_ws(',', datallowconn, datconnlimit, datacl, datistemplate)
        from pg_database where datname = current_database()),
       (select count(*) from pg_db_role_setting as s
        where setdatabase = (select oid from pg_database where datname = current_database()))
     )) as digest`,
  )
  return rows[0]?.digest ?? ''
}
