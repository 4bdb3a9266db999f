import { afterAll, beforeAll, beforeEach } from 'vitest'

import type { Client } from '@slipway/client'
import type { AIProvider, User } from '@slipway/contract'
import { gatewayErrorCode } from './exchange/gateway-error.ts'
import { GatewayWorld } from './gateway.fixture.ts'

export let world: GatewayWorld
export let client: Client
export let user: User
export let provider: AIProvider
/** Different for each test, for names. */
export let serial = 0

/** Gives the file of tests that calls it one world, and each of its tests somebody new, at a provider without a past. */
export function meetNewcomers(): void {
  beforeAll(async () => {
    world = await GatewayWorld.start()
  })
  afterAll(() => world[Symbol.asyncDispose]())
  beforeEach(async () => {
    serial += 1
    client = await world.server.user(`user${serial}`)
    user = await world.account(client)
    provider = await world.provider()
  })
}

export const CHAT = '/v1/chat/completions'
export const hello = { model: 'gpt-test', messages: [{ role: 'user', content: 'Say hi' }] }

/** Goes on with another provider. */
export function goOnWith(another: AIProvider): void {
  provider = another
}

/** Asks the newcomer's provider in the newcomer's name. */
export const ask = (body: unknown = hello, init: RequestInit = {}, name = provider.name): Promise<Response> =>
  world.ask({ ownerId: user.id, provider: name }, CHAT, body, init)

/** The status, once all of the answer was read. */
export const statusOf = async (asked: Promise<Response>): Promise<number> => {
  const response = await asked
  await response.text()
  return response.status
}

export const codeOf = async (response: Response): Promise<string | undefined> =>
  gatewayErrorCode(await response.text())

/** What was recorded of the newcomer's requests. */
export const records = (): ReturnType<GatewayWorld['records']> => world.records(user.id)
