import { readdir, readFile } from 'node:fs/promises'

import pg, { type ClientConfig } from 'pg'

import type { Logger } from '@slipway/request-log'

const FOLDER = new URL('./migrations/', import.meta.url)
const LOCK = '1037453835920848937'

/** One step of the schema. */
export interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: string
  /**
   * The schema version of the oldest release that still runs on the result (OP-45), from a line
   * `-- oldest-version: N`; without one, only releases that know this step do.
   */
  readonly oldestVersion: number
}

/** The migrations that ship with this release, in order. */
export async function migrations(): Promise<Migration[]> {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.sql')).sort()
  return Promise.all(
    files.map(async (file) => {
      const [number = '', ...rest] = file.replace(/\.sql$/, '').split('_')
      const version = Number(number)
      const sql = await readFile(new URL(file, FOLDER), 'utf8')
      const [, oldest = version] = /^-- oldest-version: (\d+)$/m.exec(sql) ?? []
      return { version, name: rest.join('_'), sql, oldestVersion: Number(oldest) }
    }),
  )
}

/** How to {@link migrate}. */
export interface MigrateOptions {
  /** Version to stop at; the newest when left out. */
  readonly target?: number
  /** Is told of each step that changes a database that is in use (OP-176). */
  readonly log?: Logger
  /** Finds out what is pending, and changes nothing. */
  readonly dryRun?: boolean
}

/**
 * Brings the schema up to `target`: all pending steps in one transaction under an advisory lock, so that replicas that
 * start together wait for each other and a failure leaves nothing behind (OP-44). A newer schema is accepted when it
 * names this release as one that still runs on it (OP-45).
 *
 * @returns the steps that were pending.
 * @throws Error naming both versions when the database is newer than this release can use, or belongs to
 * another product.
 */
export async function migrate(config: ClientConfig, options: MigrateOptions = {}): Promise<Migration[]> {
  const { target = Number.POSITIVE_INFINITY, log, dryRun = false } = options
  const known = await migrations()
  const newest = known.at(-1)?.version ?? 0
  const client = new pg.Client(config)
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query('begin')
    await client.query(`select pg_advisory_xact_lock(${LOCK})`)
    const foreign = await client.query(`select to_regclass('schema_migrations') is not null as found`)
    if (foreign.rows[0]?.found === true)
      throw new Error(
        'this database holds the schema of Coder, which this release cannot read: name an empty database in --postgres-url',
      )
    await client.query(`create table if not exists slipway_migrations (
      version integer primary key,
      name text not null,
      oldest_version integer not null,
      applied_at timestamptz not null default now())`)
    const applied = await client.query<{ version: number; oldest_version: number; applied_at: Date }>(
      'select version, oldest_version, applied_at from slipway_migrations order by version',
    )
    const needed = Math.max(...applied.rows.map((row) => row.oldest_version))
    const last = applied.rows.at(-1)
    if (last !== undefined && needed > newest)
      throw new Error(
        `the database is at schema version ${last.version} since ${last.applied_at.toISOString()}, and releases must know version ${needed} to run on it: this one knows ${newest}. Start the release that has run until now, or restore a backup from before.`,
      )
    const done = new Set(applied.rows.map((row) => row.version))
    const pending = known.filter(({ version }) => !done.has(version) && version <= target)
    if (dryRun) {
      await client.query('rollback')
      return pending
    }
    for (const [i, { version, name, sql, oldestVersion }] of pending.entries()) {
      // Nobody waits for the first tables of a new database.
      if (done.size > 0)
        log?.info('the schema is migrated', { version, name, step: i + 1, of: pending.length })
      await client.query(sql)
      await client.query(
        'insert into slipway_migrations (version, name, oldest_version) values ($1, $2, $3)',
        [version, name, oldestVersion],
      )
    }
    await client.query('commit')
    if (pending.length > 0) log?.info('the schema is up to date', { version: pending.at(-1)?.version })
    return pending
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  } finally {
    await client.end()
  }
}
