import { expect, it } from 'vitest'

import { createTestDatabase, openDatabase } from '@slipway/testkit'
import { systemActor } from '../../authz/index.ts'
import { ensureDefaultOrganization } from '../index.ts'

it('OP-44: replicas that start together on a new database have one default organization', async () => {
  await using empty = await createTestDatabase()
  await using database = await openDatabase(empty.url)
  const system = systemActor('system_restricted', 'the deployment sets itself up before anybody can sign in')
  const seen = await Promise.all(
    Array.from({ length: 8 }, () =>
      database.transaction(async (tx) => {
        const { id } = await ensureDefaultOrganization(system, tx)
        const group = await tx.selectFrom('groups').select('name').where('id', '=', id).executeTakeFirst()
        return `${id} ${group?.name}`
      }),
    ),
  )
  expect(new Set(seen).size).toBe(1)
  expect(seen[0]).toMatch(/ Everyone$/)
})
