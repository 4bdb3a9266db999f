import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { expect, it } from 'vitest'

import { createLogger } from '@slipway/request-log'
import { openDatabase, startTestServer } from '@slipway/testkit'
import { initialize, post, rpc } from './mcp-clients.fixture.ts'

const INSIDE = /relation|templates_away|\.ts:|node_modules| {4}at /

it('OA-90, ID-119: a tool or resource that crashes takes nobody with it, shows nothing of the inside and tells who operates', async () => {
  const lines: string[] = []
  await using server = await startTestServer({
    log: createLogger({ level: 'warn', sink: { write: (line) => void lines.push(line) } }),
  })
  const owner = await server.owner()
  await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
  const list = (version: string) =>
    rpc(server.url, owner, { method: 'tools/call', params: { name: 'coder_list_templates' }, version })
  const uri = `coder://templates/${randomUUID()}`
  const session = await initialize(server.url, owner)
  const subscribed = async () => {
    const message = { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri } }
    return { body: Object(await (await post(server.url, owner, message, session)).json()) }
  }
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
    expect(JSON.stringify(body)).not.toMatch(INSIDE)
    for (const answer of [
      await rpc(server.url, owner, { method: 'resources/list', version }),
      await rpc(server.url, owner, { method: 'resources/read', params: { uri }, version }),
      await subscribed(),
    ]) {
      const { code, message } = Object(answer.body.error)
      expect([code, message]).toEqual([
        -32_603,
        expect.stringMatching(/^An internal server error occurred\. Reference: /),
      ])
      expect(JSON.stringify(answer.body)).not.toMatch(INSIDE)
      const reference = String(message).split('Reference: ')[1] ?? ''
      expect(lines.filter((line) => line.includes(reference)).join('\n')).toMatch(/relation .*templates/)
    }
  }
  await sql`alter table templates_away rename to templates`.execute(database.db)
  expect((await list('2026-07-28')).body.result).not.toHaveProperty('isError')
})
