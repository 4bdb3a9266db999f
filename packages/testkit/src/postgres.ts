import { randomBytes } from 'node:crypto'
import path from 'node:path'

import { inject } from 'vitest'

import { silentLogger } from '@slipway/request-log'
import { Database } from '@slipway/server/database/index.ts'
import { withAdmin, withDatabase } from './databases/connections.ts'
import { DatabasePool } from './databases/pool.ts'
import type { TemplateState } from './databases/template-state.ts'

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string
    templateState: TemplateState
  }
}

/** A database of its own for a test file: a copy of the migrated template, gone at disposal. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string
}

/** Name of the migrated template database. */
export const TEMPLATE = 'slipway_template'

/**
 * A database that equals the migrated template, in well under a second, or a copy of another one that nobody is
 * connected to; `migrated: false` gives an empty one.
 */
export async function createTestDatabase(
  options: { readonly migrated?: boolean; readonly copyOf?: TestDatabase } = {},
): Promise<TestDatabase> {
  const admin = inject('postgresUrl')
  const name = `test_${randomBytes(8).toString('hex')}`
  const url = withDatabase(admin, name)
  const { migrated = true, copyOf } = options
  if (copyOf !== undefined || !migrated) {
    await copy(admin, copyOf === undefined ? 'template0' : new URL(copyOf.url).pathname.slice(1), name)
    return { url, [Symbol.asyncDispose]: () => run(admin, `drop database ${name} with (force)`) }
  }
  const pool = new DatabasePool(admin, inject('templateState'))
  if (!(await pool.take(name))) await copy(admin, TEMPLATE, name)
  return { url, [Symbol.asyncDispose]: () => pool.giveBack(name) }
}

/** Through the write-ahead log, as it would be by itself, it takes twice as long. */
function copy(admin: string, template: string, name: string): Promise<void> {
  return run(admin, `create database ${name} template ${template} strategy file_copy`)
}

function run(url: string, statement: string): Promise<void> {
  return withAdmin(url, async (client) => void (await client.query(statement)))
}

/** Opens a {@link Database} on a test database, with defaults that suit tests. */
export function openDatabase(
  url: string,
  options: { readonly maxConnections?: number } = {},
): Promise<Database> {
  return Database.open({
    url,
    maxConnections: options.maxConnections ?? 10,
    log: silentLogger(),
    replicaId: randomBytes(4).toString('hex'),
  })
}

/** Where connections to a test database go: to a socket in the file system, or to a port. */
export function databaseAddress(url: string): { path: string } | { host: string; port: number } {
  const { hostname, port } = new URL(url)
  const host = decodeURIComponent(hostname)
  return host.startsWith('/') ? { path: path.join(host, `.s.PGSQL.${port}`) } : { host, port: Number(port) }
}
