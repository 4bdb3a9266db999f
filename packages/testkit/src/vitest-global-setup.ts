import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import pg from 'pg'
import type { TestProject } from 'vitest/node'

import { silentLogger } from '@slipway/request-log'
import { startEmbedded } from '@slipway/server/database/index.ts'
import { migrate } from '@slipway/server/database/migrate.ts'
import { TEMPLATE } from './postgres.ts'

/** One PostgreSQL for the whole test run, with a migrated template database that test files copy. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-test-'))
  await chmod(folder, 0o711)
  const server = await startEmbedded({
    directory: path.join(folder, 'postgres'),
    log: silentLogger(),
    settings: { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' },
  })
  const admin = new pg.Client({ connectionString: server.url })
  await admin.connect()
  await admin.query(`create database ${TEMPLATE}`)
  await admin.end()
  const template = new URL(server.url)
  template.pathname = `/${TEMPLATE}`
  await migrate({ connectionString: template.href })
  project.provide('postgresUrl', server.url)
  return async () => {
    await server[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  }
}
