import { afterAll, beforeAll, expect, it } from 'vitest'

import { createToken, type User } from '@slipway/contract'
import { says } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'

const SESSION = '2b1c1a52-3f4e-4f0a-9a54-0f4d6b2f9c11'
let world: GatewayWorld
let user: User
let token: string

beforeAll(async () => {
  world = await GatewayWorld.start()
  const client = await world.server.user('asker')
  user = await world.account(client)
  token = (await client.call(createToken, { params: { user: 'me' }, body: {} })).key
  await world.provider({ name: 'openai' })
})
afterAll(() => world[Symbol.asyncDispose]())

const ask = (marks: Readonly<Record<string, string>>) =>
  fetch(`${world.server.url}/api/v2/ai-gateway/openai/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...Object.fromEntries(
        Object.entries(marks).map(([name, value]) => [`x-coder-agent-firewall-${name}`, value]),
      ),
    },
    body: JSON.stringify({ model: 'm', messages: [] }),
  })

it('AG-17: a mark of the firewall is recorded, and stays here', async () => {
  world.upstream.play(says('Hi'))
  await (await ask({ 'session-id': SESSION, 'sequence-number': '7' })).text()
  const { interceptions } = await world.records(user.id)
  expect(interceptions).toMatchObject([
    { agent_firewall_session_id: SESSION, agent_firewall_sequence_number: 7 },
  ])
  expect(JSON.stringify(world.upstream.requests.at(-1)?.headers)).not.toContain('firewall')
})

it.each([
  { 'session-id': SESSION },
  { 'sequence-number': '7' },
  { 'session-id': 'x', 'sequence-number': '7' },
  { 'session-id': SESSION, 'sequence-number': '-1' },
  { 'session-id': SESSION, 'sequence-number': '2147483648' },
  { 'session-id': SESSION, 'sequence-number': '1.5' },
  { 'session-id': SESSION, 'sequence-number': '' },
])('AG-17: %j is refused before anything is recorded', async (marks) => {
  const before = (await world.records(user.id)).interceptions.length
  const asked = world.upstream.requests.length
  const response = await ask(marks)
  expect(response.status).toBe(400)
  expect(await response.text()).toContain('invalid agent firewall headers')
  expect((await world.records(user.id)).interceptions).toHaveLength(before)
  expect(world.upstream.requests).toHaveLength(asked)
})
