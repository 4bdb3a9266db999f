import { randomUUID } from 'node:crypto'

import fc from 'fast-check'
import { expect, it } from 'vitest'

import { CoordinateResponse_PeerUpdate_Kind as Kind, type Node } from '@slipway/drpc'
import { Coordinator, type PeerHandle } from './coordinator.ts'
import { idOf } from './peer-update.ts'

const CLIENT = randomUUID()
const AGENT = randomUUID()

/** A node that is told apart by its number. */
function node(number: number): Node {
  return {
    $typeName: 'coder.tailnet.v2.Node',
    id: BigInt(number),
    key: Buffer.alloc(34, number),
    disco: '',
    preferredDerp: 999,
    derpLatency: {},
    derpForcedWebsocket: {},
    addresses: [],
    allowedIps: [],
    endpoints: [],
  }
}

function coordinated() {
  const events: string[] = []
  const coordinator = new Coordinator({
    wanted: (id) => events.push(`wanted ${id}`),
    unwanted: (id) => events.push(`unwanted ${id}`),
  })
  return { coordinator, events }
}

/** What a peer has been told since it was asked last. */
async function told(peer: PeerHandle): Promise<string[]> {
  const stop = new AbortController()
  const all: string[] = []
  // A message that waits comes at once; nothing else is waited for.
  setImmediate(() => stop.abort())
  for await (const { peerUpdates, error } of peer.outbox.messages(stop.signal)) {
    for (const { id, kind, node: one } of peerUpdates)
      all.push(
        `${idOf(id) === AGENT ? 'agent' : 'client'} ${Kind[kind]}${one === undefined ? '' : ` ${one.id}`}`,
      )
    if (error !== '') all.push(error)
  }
  return all
}

it('AC-134, AC-136: who has a tunnel is told where the other end is, and the other way round', async () => {
  const { coordinator } = coordinated()
  const client = coordinator.join(CLIENT)
  const agent = coordinator.join(AGENT)
  client.update(node(1))
  agent.update(node(2))
  client.addTunnel(AGENT)
  expect(await told(client)).toEqual(['agent NODE 2'])
  expect(await told(agent)).toEqual(['client NODE 1'])
})

it('AC-137: an agent that is ready is announced to its clients, and to nobody else', async () => {
  const { coordinator } = coordinated()
  const client = coordinator.join(CLIENT)
  const agent = coordinator.join(AGENT)
  expect(agent.ready([CLIENT])).toMatch(/^ready for handshake error/)
  client.addTunnel(AGENT)
  expect(agent.ready([CLIENT])).toBeUndefined()
  expect(await told(client)).toEqual(['agent READY_FOR_HANDSHAKE'])
})

it('19: a client that was there before the agent is told of it when it comes', async () => {
  const { coordinator, events } = coordinated()
  const client = coordinator.join(CLIENT)
  client.update(node(1))
  client.addTunnel(AGENT)
  expect(events).toEqual([`wanted ${AGENT}`])
  const agent = coordinator.join(AGENT)
  agent.update(node(2))
  agent.ready([CLIENT])
  expect(await told(agent)).toEqual(['client NODE 1'])
  expect(await told(client)).toEqual(['agent NODE 2', 'agent READY_FOR_HANDSHAKE'])
})

it('AC-138, 20: a broken connection is lost, a goodbye is disconnected, and who comes back is offered again', async () => {
  const { coordinator } = coordinated()
  const client = coordinator.join(CLIENT)
  client.update(node(1))
  client.addTunnel(AGENT)
  for (const [how, kind] of [
    ['lost', 'LOST'],
    ['disconnected', 'DISCONNECTED'],
  ] as const) {
    const agent = coordinator.join(AGENT)
    agent.update(node(2))
    agent.leave(how)
    expect(await told(client)).toEqual(['agent NODE 2', `agent ${kind}`])
  }
})

it('AC-136: a tunnel that is taken back parts both, and tells nobody who never knew', async () => {
  const { coordinator, events } = coordinated()
  const client = coordinator.join(CLIENT)
  const agent = coordinator.join(AGENT)
  client.update(node(1))
  client.addTunnel(AGENT)
  client.removeTunnel(AGENT)
  expect(await told(client)).toEqual([])
  expect(await told(agent)).toEqual(['client NODE 1', 'client DISCONNECTED'])
  expect(events.at(-1)).toBe(`unwanted ${AGENT}`)
})

it('AC-139: a peer that connects again ends its older connection, whose end changes nothing', async () => {
  const { coordinator } = coordinated()
  const client = coordinator.join(CLIENT)
  client.addTunnel(AGENT)
  const older = coordinator.join(AGENT)
  older.update(node(2))
  await told(client)
  const newer = coordinator.join(AGENT)
  newer.update(node(3))
  expect(await told(older)).toEqual(['peer ID overwritten by new connection'])
  older.leave('lost')
  older.update(node(4))
  expect(await told(client)).toEqual(['agent NODE 3'])
})

it('AC-140: who does not read is taken out, and nobody waits for it', async () => {
  const { coordinator } = coordinated()
  const client = coordinator.join(CLIENT)
  const agent = coordinator.join(AGENT)
  client.update(node(0))
  client.addTunnel(AGENT)
  for (let n = 1; n <= 512; n += 1) agent.ready([CLIENT])
  expect(coordinator.isConnected(CLIENT)).toBe(true)
  agent.ready([CLIENT])
  expect(coordinator.isConnected(CLIENT)).toBe(false)
  expect((await told(agent)).at(-1)).toBe('client DISCONNECTED')
  expect((await told(client)).at(-1)).toContain('not read')
})

it('AC-140: who moves around a lot is told of once, and fills up nobody’s queue', async () => {
  const { coordinator } = coordinated()
  const client = coordinator.join(CLIENT)
  const agent = coordinator.join(AGENT)
  client.addTunnel(AGENT)
  for (let n = 1; n <= 2_000; n += 1) agent.update(node(n % 251))
  expect(await told(client)).toEqual([`agent NODE ${2_000 % 251}`])
})

it('AC-138: when the coordinator stops its peers lose each other and may go on talking', async () => {
  const { coordinator } = coordinated()
  const client = coordinator.join(CLIENT)
  const agent = coordinator.join(AGENT)
  agent.update(node(2))
  client.addTunnel(AGENT)
  coordinator[Symbol.dispose]()
  expect(await told(client)).toEqual(['agent NODE 2', 'agent LOST'])
})

it('AC-136: whatever happens, each peer knows the last node of those with whom it has a tunnel, once', async () => {
  const ids = [CLIENT, AGENT, randomUUID()]
  const step = fc.record({
    what: fc.constantFrom('join', 'update', 'add', 'remove', 'leave'),
    who: fc.nat(2),
    whom: fc.nat(2),
    number: fc.integer({ min: 1, max: 250 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { coordinator } = coordinated()
      const peers = new Map<string, PeerHandle>()
      const nodes = new Map<string, number>()
      const tunnels = new Set<string>()
      const drop = (id: string): void => {
        nodes.delete(id)
        for (const tunnel of tunnels) if (tunnel.startsWith(id)) tunnels.delete(tunnel)
      }
      for (const { what, who, whom, number } of steps) {
        const id = ids[who] ?? ''
        const other = ids[whom] ?? ''
        const peer = peers.get(id)
        if (what === 'join') {
          drop(id)
          peers.set(id, coordinator.join(id))
        } else if (peer !== undefined && what === 'update') {
          peer.update(node(number))
          nodes.set(id, number)
        } else if (peer !== undefined && other !== id && what === 'add') {
          peer.addTunnel(other)
          tunnels.add(`${id} ${other}`)
        } else if (peer !== undefined && what === 'remove') {
          peer.removeTunnel(other)
          tunnels.delete(`${id} ${other}`)
        } else if (peer !== undefined && what === 'leave') {
          peer.leave('lost')
          peers.delete(id)
          drop(id)
        }
      }
      for (const [id, peer] of peers) {
        const known = new Map<string, number>()
        const stop = new AbortController()
        setImmediate(() => stop.abort())
        for await (const { peerUpdates } of peer.outbox.messages(stop.signal))
          for (const update of peerUpdates) {
            const about = idOf(update.id) ?? ''
            if (update.node !== undefined) {
              expect(known.get(about)).not.toBe(Number(update.node.id))
              known.set(about, Number(update.node.id))
            } else known.delete(about)
          }
        for (const other of ids) {
          const joined = tunnels.has(`${id} ${other}`) || tunnels.has(`${other} ${id}`)
          const last = peers.has(other) ? nodes.get(other) : undefined
          if (joined && last !== undefined) expect(known.get(other)).toBe(last)
          if (!peers.has(other)) expect(known.has(other)).toBe(false)
        }
      }
    }),
    { numRuns: 200 },
  )
})
