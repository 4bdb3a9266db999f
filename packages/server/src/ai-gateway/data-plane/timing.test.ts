import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { createToken } from '@slipway/contract'
import { says, until } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'

let world: GatewayWorld
let token: string
let dumps: string

beforeAll(async () => {
  dumps = await mkdtemp(path.join(tmpdir(), 'slipway-dumps-'))
  world = await GatewayWorld.start({ CODER_AI_GATEWAY_DUMP_DIR: dumps })
  const client = await world.server.user('asker')
  token = (await client.call(createToken, { params: { user: 'me' }, body: {} })).key
  await world.provider({ name: 'openai' })
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await rm(dumps, { recursive: true, force: true })
})

/** `Server-Timing` of an answer, by name in milliseconds. */
async function timing(stream: boolean): Promise<Record<string, number>> {
  const response = await fetch(`${world.server.url}/api/v2/ai-gateway/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: 'Hi' }] }),
  })
  expect(response.status).toBe(200)
  await response.text()
  const parts = (response.headers.get('server-timing') ?? '').split(', ')
  return Object.fromEntries(parts.map((part) => part.split(';dur=')).map(([name, ms]) => [name, Number(ms)]))
}

it('L-49: answers say how long the gateway has worked, and how long its provider', async () => {
  for (const stream of [false, true]) {
    world.upstream.play(says('Hi'))
    const told = await timing(stream)
    expect(Object.keys(told)).toEqual(['gateway', 'provider'])
    expect(told.gateway).toBeGreaterThan(0)
    expect(told.provider).toBeGreaterThan(0)
  }
})

it('L-49: what the provider says of its own time stays', async () => {
  world.upstream.play({ ...says('Hi'), headers: { 'server-timing': 'model;dur=7' } })
  expect(await timing(false)).toEqual({
    gateway: expect.any(Number),
    provider: expect.any(Number),
    model: 7,
  })
})

/** What was written of the latest request under a folder, by the kind of file. */
async function dumped(folder: string, kinds: number): Promise<Record<string, string>> {
  const within = path.join(dumps, folder)
  return until('the files to be whole', async () => {
    const names = await readdir(within).catch(() => [])
    const texts = await Promise.all(
      names.map(async (name) => {
        // Nobody else on the machine may read prompts.
        expect((await stat(path.join(within, name))).mode & 0o777).toBe(0o600)
        const [, kind = name] = /^\d+-[0-9a-f-]{36}\.(.+)$/.exec(name) ?? []
        return [kind, await readFile(path.join(within, name), 'utf8')] as const
      }),
    )
    return texts.length === kinds && texts.every(([, text]) => text.includes('\n'))
      ? Object.fromEntries(texts)
      : undefined
  })
}

it('AG-125: what goes to a provider and comes back is written down, without secrets', async () => {
  const ask = (model: string) =>
    fetch(`${world.server.url}/api/v2/ai-gateway/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'A wish' }] }),
    })
  world.upstream.play(
    { ...says('Granted'), headers: { 'set-cookie': 'session=0123456789' } },
    { connection: 'reset' },
  )
  await (await ask('../vendor/m')).text()
  const good = await dumped('openai/..-vendor-m', 2)
  expect(good['req.txt']).toMatch(/^POST http:\S+\/v1\/chat\/completions HTTP\/1.1\r\n/)
  expect(good['req.txt']).toContain('A wish')
  expect(good['req.txt']).toContain('authorization: Bear...nt-1\r\n')
  expect(good['resp.txt']).toMatch(/^HTTP\/1.1 200\r\n/)
  expect(good['resp.txt']).toContain('set-cookie: se...89\r\n')
  await until('the whole answer', async () => {
    const { 'resp.txt': text = '' } = await dumped('openai/..-vendor-m', 2)
    return text.includes('Granted')
  })
  await (await ask('unlucky')).text()
  expect(Object.keys(await dumped('openai/unlucky', 2)).toSorted()).toEqual(['req.txt', 'req_error.txt'])
  const models = await fetch(`${world.server.url}/api/v2/ai-gateway/openai/v1/models`, {
    headers: { authorization: `Bearer ${token}` },
  })
  await models.text()
  expect((await dumped('openai/passthrough', 2))['req.txt']).toMatch(/^GET /)
})
