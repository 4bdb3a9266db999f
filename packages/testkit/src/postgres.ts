import { randomBytes } from 'node:crypto'
import path from 'node:path'

import pg from 'pg'
import { inject } from 'vitest'

import { silentLogger } from '@slipway/request-log'
import { Database } from '@slipway/server/database/index.ts'

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string
  }
}

/** A database of its own for a test file: a copy of the migrated template, dropped at disposal. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string
}

/** Name of the migrated template database. */
export const TEMPLATE = 'slipway_template'

/**
 * Copies the migrated template database, which takes well under a second, or another one that nobody is connected to;
 * `migrated: false` gives an empty one.
 */
export async function createTestDatabase(
  options: { readonly migrated?: boolean; readonly copyOf?: TestDatabase } = {},
): Promise<TestDatabase> {
  const admin = inject('postgresUrl')
  const name = `test_${randomBytes(8).toString('hex')}`
  const { migrated = true, copyOf } = options
  const standard = migrated ? TEMPLATE : 'template0'
  const template = copyOf === undefined ? standard : new URL(copyOf.url).pathname.slice(1)
  // Through the write-ahead log, as it would be by itself, it takes twice as long.
  await run(admin, `create database ${name} template ${template} strategy file_copy`)
  return {
    url: withDatabase(admin, name),
    [Symbol.asyncDispose]: () => run(admin, `drop database ${name} with (force)`),
  }
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

/** The same server, another database. */
export function withDatabase(url: string, name: string): string {
  const copy = new URL(url)
  copy.pathname = `/${name}`
  return copy.href
}

async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
