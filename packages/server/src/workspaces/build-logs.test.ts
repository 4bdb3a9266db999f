import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import { getUser, listBuildLogs, listOrganizations } from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

let server: TestServer
let database: Database
let owner: Client
let organization_id: string
let owner_id: string

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  organization_id = (await owner.call(listOrganizations))[0]?.id ?? ''
  owner_id = (await owner.call(getUser, { params: { user: 'me' } })).id
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** A build whose job this test carries out; its lease lies ahead, so that nobody takes it away. */
async function running() {
  const { db } = database
  const workspace = await fixtures.workspace(db, {
    owner_id,
    template: await fixtures.template(db, { organization_id }),
  })
  const job = await fixtures.provisionerJob(db, {
    organization_id,
    completed_at: null,
    worker_id: randomUUID(),
    updated_at: new Date(Date.now() + 3_600_000),
  })
  const change = (set: { logs_length?: number; completed_at?: Date }) =>
    db.updateTable('provisioner_jobs').set(set).where('id', '=', job.id).execute()
  let length = 0
  return {
    build: await fixtures.workspaceBuild(db, { workspace, job }),
    say: async (output: string) => {
      const line = await fixtures.provisionerJobLog(db, { job, output })
      length += output.length
      await change({ logs_length: length })
      return line
    },
    end: () => change({ completed_at: new Date() }),
  }
}

const address = (id: string, query: string): string =>
  `${owner.address(listBuildLogs, { params: { workspacebuild: id } })}?${query}`

function follow(id: string, query: string) {
  const socket = new WebSocket(address(id, query).replace('http', 'ws'), { headers: owner.headers })
  const outputs: string[] = []
  socket.on('message', (data) => outputs.push(JSON.parse(String(data)).output))
  return { socket, outputs, closed: new Promise((resolve) => socket.on('close', resolve)) }
}

it('WS-190: a follower that comes back gets each line once, and is let go when all was sent', async () => {
  const { build, say, end } = await running()
  const first = await say('one')
  const lost = follow(build.id, 'follow')
  await until('the history', () => lost.outputs.length === 1)
  await say('two')
  await until('the live line', () => lost.outputs.length === 2)
  lost.socket.terminate()
  await lost.closed
  const back = follow(build.id, `follow=true&after=${first.id}`)
  await until('what was missed', () => back.outputs.length === 1)
  await say('three')
  await end()
  expect(await back.closed).toBe(1000)
  expect(back.outputs).toEqual(['two', 'three'])
  const late = follow(build.id, 'follow')
  expect(await late.closed).toBe(1000)
  expect(late.outputs).toEqual(['one', 'two', 'three'])
})

it('WS-189: the log is told as text or as JSON, behind a line and to nobody else', async () => {
  const { build, say } = await running()
  const line = await say('first')
  await say('second')
  const params = { workspacebuild: build.id }
  const get = (query: string) => fetch(address(build.id, query), { headers: owner.headers })
  const text = await get('format=text')
  expect(text.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  const [shown, another] = (await text.text()).trimEnd().split('\n')
  expect(shown).toMatch(/^\d{4}-\d\d-\d\dT\S+Z \[info\] \[provisioner\|Planning\] first$/)
  expect(another).toContain('second')
  const rest = await owner.call(listBuildLogs, { params, query: { after: line.id, format: 'json' } })
  expect(rest.map(({ output }) => output)).toEqual(['second'])
  for (const [query, message] of [
    ['follow&format=text', 'Text format is not supported with follow mode.'],
    ['format=xml', 'Invalid format parameter.'],
    ['after=x', 'Query param "after" must be an integer.'],
    ['after=1.5', 'Query param "after" must be an integer.'],
    ['before=y', 'Query param "before" must be an integer.'],
    ['limit=0', 'Query parameters have invalid values.'],
  ] as const) {
    const refused = await get(query)
    expect([refused.status, Object(await refused.json()).message]).toEqual([400, message])
  }
  const stranger = await server.user('stranger')
  await expect(stranger.call(listBuildLogs, { params })).rejects.toMatchObject({ status: 404 })
})
