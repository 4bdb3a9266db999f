import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import pg from 'pg'
import type { TestProject } from 'vitest/node'

import { describeError, silentLogger } from '@slipway/request-log'
import { startEmbedded } from '@slipway/server/database/index.ts'
import { migrate } from '@slipway/server/database/migrate.ts'
import { withClient } from './databases/connections.ts'
import { readTemplateState } from './databases/template-state.ts'
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
  await connectCheaply(admin)
  await admin.query(`create database ${TEMPLATE}`)
  await copyInKernel(admin)
  await admin.end()
  const template = new URL(server.url)
  template.pathname = `/${TEMPLATE}`
  await migrate({ connectionString: template.href })
  project.provide('postgresUrl', server.url)
  project.provide('templateState', await withClient(template.href, readTemplateState))
  return async () => {
    await server[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Spares connections the work that keeps a weak password from being guessed: that of the database is random, and a test
 * server opens a dozen connections.
 */
async function connectCheaply(admin: pg.Client): Promise<void> {
  await admin.query('set scram_iterations = 1')
  await admin.query(`alter role current_user password ${admin.escapeLiteral(admin.password ?? '')}`)
}

/**
 * Has the kernel copy the files of databases where it can: most of the time of a copy, several hundred small files, is that
 * of reading and writing them.
 */
async function copyInKernel(admin: pg.Client): Promise<void> {
  const probe = `${TEMPLATE}_probe`
  try {
    await admin.query(`set file_copy_method = 'clone'`)
    await admin.query(`create database ${probe} strategy file_copy`)
    await admin.query(`drop database ${probe}`)
    // For the connections that copy, which are to this database.
    await admin.query(`alter database coder set file_copy_method = 'clone'`)
  } catch (error) {
    // Neither every file system nor every build of the database can; copies take longer then.
    process.stderr.write(`databases are copied without the kernel: ${describeError(error)}\n`)
  }
}
