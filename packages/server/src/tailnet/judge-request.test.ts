import { randomUUID } from 'node:crypto'

import { create } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'

import { CoordinateRequestSchema } from '@slipway/drpc'
import { addressesOf } from '@slipway/tailnet/addresses'
import { type Authority, judgeRequest } from './judge-request.ts'
import { bytesOf } from './peer-update.ts'

const AGENT = 'b3d7f0aa-1111-4222-8333-0123456789ab'
const OWN = 'fd7a:115c:a1e0:4222:8333:123:4567:89ab/128'
const agent: Authority = { kind: 'agent', agentId: AGENT }
const user = (mayReach: (id: string) => boolean = () => true): Authority => ({
  kind: 'user',
  mayReach: async (id) => mayReach(id),
  mayStay: async () => true,
})
const node = (addresses: string[], allowedIps: string[] = addresses) => ({
  updateSelf: { node: { addresses, allowedIps } },
})
const judge = (
  authority: Authority,
  request: Parameters<typeof create<typeof CoordinateRequestSchema>>[1],
  isAgentAddress: (address: string) => boolean = () => false,
) => judgeRequest(authority, create(CoordinateRequestSchema, request), isAgentAddress)

it('AC-141, 17: an agent has its own addresses and no others, and opens no tunnels', async () => {
  expect(await judge(agent, node([OWN, OWN.replace('fd7a:115c:a1e0', 'fd60:627a:a42b')]))).toBeUndefined()
  expect(await judge(agent, node(['fd7a:115c:a1e0:49d6:b259:b7ac:b1b2:48f4/128']))).toBeUndefined()
  for (const foreign of [
    OWN.replace('89ab', '89ac'),
    OWN.replace('/128', '/64'),
    OWN.replace('/128', ''),
    '10.0.0.1/32',
    '::/0',
  ]) {
    expect(await judge(agent, node([foreign]))).toContain(foreign)
    expect(await judge(agent, node([OWN], [foreign]))).toContain(foreign)
  }
  expect(await judge(agent, { addTunnel: { id: bytesOf(randomUUID()) } })).toContain('tunnels')
})

it('AC-141, 18: a client gets a tunnel only to where it may', async () => {
  const other = randomUUID()
  const authority = user((id) => id === AGENT)
  expect(await judge(authority, { addTunnel: { id: bytesOf(AGENT) } })).toBeUndefined()
  expect(await judge(authority, { addTunnel: { id: bytesOf(other) } })).toContain('may not connect')
  expect(await judge(authority, { readyForHandshake: [{ id: bytesOf(AGENT) }] })).toContain('handshakes')
})

it('AC-141, AC-313: a client has single addresses of this network that are nobody else’s', async () => {
  const isAgent = (address: string) => addressesOf(AGENT).includes(address)
  expect(await judge(user(), node(['fd7a:115c:a1e0::7/128']), isAgent)).toBeUndefined()
  for (const refused of [OWN, 'fd7a:115c:a1e0::7/64', 'fd00::1/128', '0.0.0.0/0', 'x/128', '::1%1/128']) {
    expect(await judge(user(), node([refused]), isAgent)).toContain(refused)
    expect(await judge(user(), node([], [refused]), isAgent)).toContain(refused)
  }
})

it('AC-140: what a peer says of itself is bounded, since others have to keep it', async () => {
  const endpoints = Array.from({ length: 5_000 }, (_, n) => `192.0.2.1:${10_000 + n}`)
  expect(await judge(user(), { updateSelf: { node: { endpoints } } })).toContain('at most')
})

it('AC-134: ids have 16 bytes', async () => {
  expect(await judge(user(), { addTunnel: { id: Buffer.alloc(15) } })).toContain('16 bytes')
  expect(await judge(agent, { readyForHandshake: [{ id: Buffer.alloc(0) }] })).toContain('16 bytes')
})
