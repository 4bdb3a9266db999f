import { execFileSync } from 'node:child_process'

import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import {
  createWorkspace,
  getWorkspace,
  reportAgentMetadata,
  watchAgentMetadata,
  watchAgentMetadataWs,
} from '@slipway/contract'
import { importTemplate, startTestServer, type TestServer, until } from '@slipway/testkit'

const TEMPLATE = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  workspace: () => ({
    runtime: local(),
    agents: [
      {
        name: 'main',
        env: { FLAVOUR: 'vanilla' },
        metadata: [
          { key: 'b-time', displayName: 'Time', order: 1, interval: 1, script: 'date +%s%N' },
          { key: 'a-env', displayName: 'Flavour', order: 2, interval: 1, script: 'echo "  $FLAVOUR  "' },
          { key: 'c-long', order: 3, interval: 1, script: 'head -c 3000 /dev/zero | tr "\\\\0" x' },
          { key: 'd-huge', order: 3, interval: 1, script: 'head -c 1000000 /dev/zero | tr "\\\\0" y' },
          { key: 'e-fails', order: 4, interval: 1, script: 'echo partly; echo broken >&2; exit 5' },
          { key: 'f-mute', order: 4, interval: 1, script: 'exit 6' },
          { key: 'g-slow', order: 5, interval: 60, timeout: 1, script: 'echo begun; sleep 613; echo never' },
          { key: 'h-loud', order: 5, interval: 1, script: 'head -c 3000 /dev/zero | tr "\\\\0" e >&2; exit 1' },
        ],
      },
    ],
  }),
})
`

interface Item {
  readonly result: {
    readonly collected_at: string
    readonly age: number
    readonly value: string
    readonly error: string
  }
  readonly description: { readonly key: string; readonly display_name: string; readonly interval: number }
}

let server: TestServer
let owner: Client
let agentId = ''

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  const template = await importTemplate(owner, 'measured', { 'template.ts': TEMPLATE })
  const { id } = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'dev', template_id: template.id },
  })
  agentId = await until('the agent', async () => {
    const { latest_build } = await owner.call(getWorkspace, { params: { workspace: id } })
    const agent = latest_build.resources[0]?.agents?.[0]
    return agent?.lifecycle_state === 'ready' && agent.id
  })
})
afterAll(() => server[Symbol.asyncDispose]())

/** All events of the WebSocket so far, with the time of each. */
async function watch(): Promise<{
  readonly events: { readonly at: number; readonly items: readonly Item[] }[]
  readonly close: () => void
}> {
  const address = owner.address(watchAgentMetadataWs, { params: { workspaceagent: agentId } })
  const socket = new WebSocket(address.replace('http', 'ws'), { headers: owner.headers })
  const events: { readonly at: number; readonly items: readonly Item[] }[] = []
  socket.on('message', (data) => {
    const event: { readonly type: string; readonly data: readonly Item[] } = JSON.parse(String(data))
    if (event.type === 'data') events.push({ at: performance.now(), items: event.data })
  })
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
  return { events, close: () => socket.close() }
}

it('AC-97, AC-118: items come at once in display order, with values as the scripts print them', async () => {
  const { events, close } = await watch()
  const first = await until('the first event', () => events[0])
  expect(first.items.map((item) => item.description.key)).toEqual([
    'b-time',
    'a-env',
    'c-long',
    'd-huge',
    'e-fails',
    'f-mute',
    'g-slow',
    'h-loud',
  ])
  expect(first.items[0]?.description).toMatchObject({ display_name: 'Time', interval: 1 })
  const items = await until('all values', () => {
    const last = events.at(-1)?.items
    return last?.every(({ result }) => result.value !== '' || result.error !== '') && last
  })
  const result = (key: string) => items.find(({ description }) => description.key === key)?.result
  expect(result('a-env')).toMatchObject({ value: 'vanilla', error: '' })
  expect(Date.parse(result('a-env')?.collected_at ?? '')).toBeGreaterThan(Date.now() - 30_000)
  close()
})

it('AC-75, AC-118: values and errors are bounded, and say so', async () => {
  const { events, close } = await watch()
  const items = await until('the last value', () => {
    const last = events.at(-1)?.items
    return last?.every(({ result }) => result.error !== '' || result.value !== '') && last
  })
  const result = (key: string) => items.find(({ description }) => description.key === key)?.result
  expect(result('c-long')).toMatchObject({
    value: 'x'.repeat(2_048),
    error: 'value of 3000 bytes exceeded 2048 bytes',
  })
  expect(result('d-huge')).toMatchObject({
    value: 'y'.repeat(2_048),
    error: 'value of 10240 bytes exceeded 2048 bytes',
  })
  expect(result('e-fails')).toMatchObject({ value: 'partly', error: 'broken' })
  expect(result('f-mute')).toMatchObject({ value: '', error: 'exit status 6' })
  expect(result('g-slow')).toMatchObject({ value: 'begun', error: 'timed out after 1 s' })
  expect(result('h-loud')?.error).toBe('error of 3000 bytes exceeded 2048 bytes')
  expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain('sleep 613')
  close()
})

it('AC-97: values that change are sent again, at most once a second', async () => {
  const { events, close } = await watch()
  await until('four events', () => events.length >= 4)
  const times = events.map(({ at }) => at)
  for (const [i, at] of times.slice(1).entries()) expect(at - (times[i] ?? 0)).toBeGreaterThan(900)
  const values = events.map(({ items }) => items[0]?.result.value)
  expect(new Set(values).size).toBeGreaterThanOrEqual(3)
  close()
})

it('AC-97: the same events come as server-sent events', async () => {
  const address = owner.address(watchAgentMetadata, { params: { workspaceagent: agentId } })
  const end = new AbortController()
  const answer = await fetch(address, { headers: owner.headers, signal: end.signal })
  expect(answer.headers.get('content-type')).toContain('text/event-stream')
  let text = ''
  for await (const chunk of answer.body ?? []) {
    text += Buffer.from(chunk).toString()
    if (/^data: \[.*\]\n\n/m.test(text)) break
  }
  expect(text).toMatch(/^event: data$/m)
  const items: readonly Item[] = JSON.parse(/^data: (\[.*\])$/m.exec(text)?.[1] ?? '[]')
  expect(items).toHaveLength(8)
  end.abort()
})

it('AC-14, AC-2: nobody else watches, and nobody reports with the session of a user', async () => {
  const stranger = await server.user('stranger')
  for (const route of [watchAgentMetadata, watchAgentMetadataWs])
    await expect(stranger.call(route, { params: { workspaceagent: agentId } })).rejects.toMatchObject({
      status: 404,
    })
  await expect(owner.call(reportAgentMetadata, { body: { metadata: [] } })).rejects.toMatchObject({
    status: 401,
  })
})
