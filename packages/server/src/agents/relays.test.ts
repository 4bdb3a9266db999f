import { randomBytes, randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { expect, it } from 'vitest'

import { silentLogger } from '@slipway/request-log'
import { createTestDatabase, openDatabase } from '@slipway/testkit'
import { AgentRelays } from './relays.ts'

it('AC-148: trouble with the database is over when it is over: the next request looks again', async () => {
  await using made = await createTestDatabase()
  await using database = await openDatabase(made.url, { maxConnections: 2 })
  using relays = new AgentRelays({
    database,
    replicaId: randomUUID(),
    log: silentLogger(),
    secrets: { relayKey: randomBytes(32) },
  })
  const agent = randomUUID()
  await sql`alter table replicas rename to replicas_away`.execute(database.db)
  await expect(relays.get(agent)).rejects.toThrow()
  await sql`alter table replicas_away rename to replicas`.execute(database.db)
  expect(await relays.get(agent)).toBeUndefined()
})
