import { expect, it } from 'vitest'

import { openDatabase, startTestServer } from '@slipway/testkit'

it('OP-60: other replicas reach this one where it is configured, else where it listens', async () => {
  const url = 'http://10.1.2.3:8080'
  await using server = await startTestServer()
  await using told = await startTestServer({
    databaseUrl: server.databaseUrl,
    env: { CODER_DERP_SERVER_RELAY_URL: `${url}/path` },
  })
  await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
  const rows = await database.db.selectFrom('replicas').select('relay_address').execute()
  expect(new Set(rows.map((row) => row.relay_address))).toEqual(new Set([server.url, url]))
  expect(told.url).not.toBe(url)
})
