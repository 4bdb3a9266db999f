import { afterAll, beforeAll, expect, it } from 'vitest'

import { createToken } from '@slipway/contract'
import { says } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'

let world: GatewayWorld
let token: string

beforeAll(async () => {
  world = await GatewayWorld.start()
  const client = await world.server.user('asker')
  token = (await client.call(createToken, { params: { user: 'me' }, body: {} })).key
  await world.provider({ name: 'openai' })
})
afterAll(() => world[Symbol.asyncDispose]())

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
