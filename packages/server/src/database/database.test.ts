import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

import { createTestDatabase, openDatabase } from '@slipway/testkit'
import { prepared, sqlState } from './index.ts'

describe('transactions', () => {
  test('OP-46: a serialization failure runs the work again, at most three times', async () => {
    await using copy = await createTestDatabase()
    await using database = await openDatabase(copy.url)
    let runs = 0
    const fail = sql`do $$ begin raise exception 'retry' using errcode = '40001'; end $$`
    await database.transaction(async (tx) => {
      runs += 1
      if (runs < 3) await fail.execute(tx)
    })
    expect(runs).toBe(3)
    runs = 0
    const always = database.transaction(async (tx) => {
      runs += 1
      await fail.execute(tx)
    })
    await expect(always).rejects.toSatisfy((error) => sqlState(error) === '40001')
    expect(runs).toBe(3)
  })

  test('OP-46: transactions that really conflict are both carried out, one after the other', async () => {
    await using copy = await createTestDatabase()
    await using database = await openDatabase(copy.url)
    await database.db.insertInto('site_configs').values({ key: 'n', value: '0' }).execute()
    const both = Promise.withResolvers<void>()
    let reading = 0
    let runs = 0
    const add = () =>
      database.transaction(
        async (tx) => {
          runs += 1
          const { value } = await tx
            .selectFrom('site_configs')
            .select('value')
            .where('key', '=', 'n')
            .executeTakeFirstOrThrow()
          reading += 1
          if (reading === 2) both.resolve()
          await both.promise
          await tx
            .updateTable('site_configs')
            .set({ value: String(Number(value) + 1) })
            .where('key', '=', 'n')
            .execute()
        },
        { isolation: 'serializable' },
      )
    await Promise.all([add(), add()])
    const { value } = await database.db
      .selectFrom('site_configs')
      .select('value')
      .where('key', '=', 'n')
      .executeTakeFirstOrThrow()
    expect({ value, runs }).toEqual({ value: '2', runs: 3 })
  })

  test('a connection that is lost in a transaction is reported as such, and no other request gets it', async () => {
    await using copy = await createTestDatabase()
    await using database = await openDatabase(copy.url, { maxConnections: 1 })
    const lost = database.transaction((tx) => sql`select pg_terminate_backend(pg_backend_pid())`.execute(tx))
    await expect(lost).rejects.toThrow('terminating connection due to administrator command')
    expect((await sql`select 1 as n`.execute(database.db)).rows).toEqual([{ n: 1 }])
  })

  test('OP-46: a nested transaction joins the outer one', async () => {
    await using copy = await createTestDatabase()
    await using database = await openDatabase(copy.url)
    const failed = database.transaction(async () => {
      await database.transaction((tx) =>
        tx.insertInto('site_configs').values({ key: 'a', value: 'b' }).execute(),
      )
      throw new Error('outer fails')
    })
    await expect(failed).rejects.toThrow('outer fails')
    expect(await database.db.selectFrom('site_configs').selectAll().execute()).toEqual([])
  })

  test('OP-43: requests wait for a connection instead of failing', async () => {
    await using copy = await createTestDatabase()
    await using database = await openDatabase(copy.url, { maxConnections: 2 })
    const answers = await Promise.all(
      Array.from({ length: 30 }, () =>
        sql<{ n: number }>`select 1 as n from pg_sleep(0.005)`.execute(database.db),
      ),
    )
    expect(answers).toHaveLength(30)
  })

  test('a prepared query takes new values at each call', async () => {
    await using copy = await createTestDatabase()
    await using database = await openDatabase(copy.url)
    await database.db
      .insertInto('site_configs')
      .values([
        { key: 'a', value: '1' },
        { key: 'b', value: '2' },
      ])
      .execute()
    const find = prepared<{ key: string }, { value: string }>((db, p) =>
      db.selectFrom('site_configs').select('value').where('key', '=', p('key')),
    )
    expect(await find(database.db, { key: 'a' })).toEqual([{ value: '1' }])
    expect(await find(database.db, { key: 'b' })).toEqual([{ value: '2' }])
  })
})
