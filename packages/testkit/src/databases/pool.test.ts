import { randomBytes } from 'node:crypto'

import { sql } from 'kysely'
import pg from 'pg'
import { expect, inject, it, onTestFinished } from 'vitest'

import { fixtures } from '../fixtures/fixtures.ts'
import { openDatabase, TEMPLATE } from '../postgres.ts'
import { clean } from './cleaning.ts'
import { withClient, withDatabase } from './connections.ts'
import { DatabasePool } from './pool.ts'
import { catalogsOf } from './template-state.ts'

const admin = inject('postgresUrl')
const template = inject('templateState')

/** Name of a new copy of the template, whatever waits in the pool. */
async function copyTemplate(): Promise<string> {
  const name = `copy_${randomBytes(8).toString('hex')}`
  await run(admin, `create database ${name} template ${TEMPLATE} strategy file_copy`)
  onTestFinished(() => run(admin, `drop database if exists ${name} with (force)`))
  return name
}

function run(url: string, statement: string): Promise<void> {
  return withClient(url, async (client) => void (await client.query(statement)))
}

/** A row in every table at least, no sequence as it was, and none of the rows that migrations have put there. */
async function use(url: string): Promise<void> {
  await using database = await openDatabase(url)
  for (const insert of Object.values(fixtures)) await insert(database.db)
  await sql`select nextval(oid::regclass) from pg_class where relkind = 'S'`.execute(database.db)
  await sql`update change_log_horizon set boundary = '1'`.execute(database.db)
  await sql`delete from oauth2_provider_settings`.execute(database.db)
  await sql`delete from slipway_migrations where version < 3`.execute(database.db)
}

/** The rows of every table and the state of every sequence. */
async function contents(client: pg.Client): Promise<Record<string, unknown[]>> {
  const { rows: relations } = await client.query<{ name: string; sequence: boolean }>(
    `select oid::regclass::text as name, relkind = 'S' as sequence
     from pg_class where relkind in ('r', 'S') and relnamespace = 'public'::regnamespace`,
  )
  const all: Record<string, unknown[]> = {}
  for (const { name, sequence } of relations) {
    const statement = sequence
      ? `select last_value, is_called from ${name}`
      : `select * from ${name} as held order by held::text`
    all[name] = (await client.query(statement)).rows
  }
  return all
}

it('a used database becomes equal to a new copy of the template, to the last row and sequence', async () => {
  const [untouched, used] = [await copyTemplate(), await copyTemplate()]
  const expected = await withClient(withDatabase(admin, untouched), contents)
  const url = withDatabase(admin, used)
  await use(url)
  await withClient(url, async (client) => {
    const before = await contents(client)
    expect(
      Object.keys(before).filter((name) => JSON.stringify(before[name]) === JSON.stringify(expected[name])),
    ).toEqual([])
    expect(await clean(client, template)).toBe(true)
    expect(await contents(client)).toEqual(expected)
  })
})

it('one whose schema, rights or settings were changed is not used again', async () => {
  const name = await copyTemplate()
  await withClient(withDatabase(admin, name), async (client) => {
    for (const change of [
      'alter table users add column nickname text',
      'alter table users disable trigger all',
      'create index on users (name)',
      'drop index users_email_key',
      'create table more (id integer)',
      'create schema elsewhere',
      'grant select on users to public',
      'create or replace function announce_change() returns trigger language plpgsql as $$ begin return null; end $$',
      `alter database ${name} set work_mem = 64`,
      `alter database ${name} connection limit 3`,
    ]) {
      await client.query(`begin; ${change}`)
      expect(await catalogsOf(client), change).not.toBe(template.catalogs)
      await client.query('rollback')
    }
    expect(await catalogsOf(client)).toBe(template.catalogs)
    await client.query('create schema elsewhere; drop schema elsewhere; create schema elsewhere')
    expect(await clean(client, template)).toBe(false)
  })
})

it('nobody who held it before reaches a database in its next use', async () => {
  const name = await copyTemplate()
  const url = withDatabase(admin, name)
  const leftOver = new pg.Client({ connectionString: url })
  onTestFinished(() => leftOver.end())
  leftOver.on('error', () => undefined)
  await leftOver.connect()
  const { rows } = await leftOver.query('select oid from pg_database where datname = $1', [name])
  await new DatabasePool(admin, template).giveBack(name)
  await expect(leftOver.query('select')).rejects.toThrow()
  await expect(run(url, 'select')).rejects.toThrow('does not exist')
  const now = await withClient(admin, (client) =>
    client.query('select datname from pg_database where oid = $1', [rows[0]?.oid]),
  )
  expect(now.rows).toEqual([{ datname: expect.stringMatching(/^(clean|test)_/) }])
})
