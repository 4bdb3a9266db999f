import { sql } from 'kysely'
import { expect, it } from 'vitest'

import { openDatabase, startTestServer } from '@slipway/testkit'
import { rpc } from './mcp-clients.fixture.ts'

it('OA-90: a tool that crashes takes nobody with it and shows nothing of the inside', async () => {
  await using server = await startTestServer()
  const owner = await server.owner()
  await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
  const list = (version: string) =>
    rpc(server.url, owner, { method: 'tools/call', params: { name: 'coder_list_templates' }, version })
  await sql`alter table templates rename to templates_away`.execute(database.db)
  for (const version of ['2025-11-25', '2026-07-28']) {
    const { status, body } = await list(version)
    expect(status, version).toBe(200)
    expect(body.result).toMatchObject({
      isError: true,
      content: [
        { type: 'text', text: expect.stringMatching(/^An internal server error occurred\. Reference: /) },
      ],
    })
    expect(JSON.stringify(body)).not.toMatch(/relation|templates_away|\.ts:|node_modules| {4}at /)
  }
  await sql`alter table templates_away rename to templates`.execute(database.db)
  expect((await list('2026-07-28')).body.result).not.toHaveProperty('isError')
})
