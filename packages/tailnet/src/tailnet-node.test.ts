import { createHash, randomFillSync, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'

import { expect, it } from 'vitest'

import { until } from '@slipway/testkit'
import { addressesOf } from './addresses.ts'
import { relayAt } from './derp/connect.ts'
import { DerpRelay } from './derp/derp-relay.fixture.ts'
import type { Relay, RelayUser } from './derp/relay.ts'
import { KeyPair } from './keys.ts'
import { open, seal } from './nacl-box.ts'
import { TailnetNode } from './tailnet-node.ts'

const log = { debug: () => undefined, warn: () => undefined }

function nodeAt(address: string, derpUrl: string): TailnetNode {
  return new TailnetNode({ address, relay: relayAt(derpUrl, {}), log })
}

/** Makes two nodes peers of each other. */
function introduce(a: TailnetNode, aAddress: string, b: TailnetNode, bAddress: string): void {
  a.setPeer({ key: b.publicKey, addresses: [`${bAddress}/128`] })
  b.setPeer({ key: a.publicKey, addresses: [`${aAddress}/128`] })
}

async function openPair() {
  const relay = await DerpRelay.start()
  const [aAddress, bAddress] = [addressesOf(randomUUID())[0], addressesOf(randomUUID())[0]]
  const [a, b] = [nodeAt(aAddress, relay.url), nodeAt(bAddress, relay.url)]
  introduce(a, aAddress, b, bAddress)
  b.onConnection(echo, (port) => port !== 9)
  // A handshake that a relay cannot deliver is repeated only after 5 s.
  await until('both clients', () => relay.clients === 2)
  return {
    relay,
    a,
    b,
    aAddress,
    bAddress,
    async [Symbol.asyncDispose]() {
      await a[Symbol.asyncDispose]()
      await b[Symbol.asyncDispose]()
      await relay[Symbol.asyncDispose]()
    },
  }
}

function echo(stream: Duplex): void {
  stream.on('error', () => stream.destroy())
  stream.pipe(stream)
}

/** Sends bytes, reads the echo, and tells its hash and length. */
async function exchange(stream: Duplex, bytes: Buffer): Promise<{ length: number; hash: string }> {
  const hash = createHash('sha256')
  let length = 0
  stream.on('data', (part: Buffer) => {
    length += part.length
    hash.update(part)
  })
  stream.end(bytes)
  await once(stream, 'end')
  return { length, hash: hash.digest('hex') }
}

const sent = (bytes: Buffer) => ({
  length: bytes.length,
  hash: createHash('sha256').update(bytes).digest('hex'),
})

it('AC-151: megabytes each way arrive as they were sent, beside other connections', async () => {
  await using pair = await openPair()
  const bytes = randomFillSync(Buffer.alloc(8_000_000))
  const large = exchange(await pair.a.dial(pair.bAddress, 3), bytes)
  const small = Array.from({ length: 40 }, async (_, i) => {
    const part = bytes.subarray(i * 1_000, i * 3_000)
    expect(await exchange(await pair.a.dial(pair.bAddress, 22), part)).toEqual(sent(part))
  })
  await Promise.all(small)
  expect(await large).toEqual(sent(bytes))
  await until('all connections to end', () => pair.a.connections + pair.b.connections === 0)
}, 90_000)

it('AC-151: a peer with new keys at its old address is reached; with the old keys it is not', async () => {
  await using pair = await openPair()
  const { relay, a, b, aAddress, bAddress } = pair
  const before = await a.dial(bAddress, 22)
  before.on('error', () => undefined)
  await b[Symbol.asyncDispose]()
  await using again = nodeAt(bAddress, relay.url)
  again.onConnection(echo)
  a.removePeer(b.publicKey)
  if (!before.closed) await new Promise((resolve) => before.once('close', resolve))
  introduce(a, aAddress, again, bAddress)
  await until('the third client', () => relay.logins.length === 3)
  const bytes = Buffer.from('are you new?')
  expect(await exchange(await a.dial(bAddress, 22), bytes)).toEqual(sent(bytes))
  expect(again.publicKey).not.toEqual(b.publicKey)
})

it('AC-165: a connection outlives the relay', async () => {
  await using pair = await openPair()
  const stream = await pair.a.dial(pair.bAddress, 22)
  const echoed: Buffer[] = []
  stream.on('data', (part: Buffer) => echoed.push(part))
  stream.write('before ')
  await until('the echo', () => Buffer.concat(echoed).length === 7)
  pair.relay.cut()
  stream.write('during ')
  await until('both clients', () => pair.relay.clients === 2)
  stream.end('after')
  await once(stream, 'end')
  expect(Buffer.concat(echoed).toString()).toBe('before during after')
})

it('AC-151: a peer that is removed cannot be dialled, and its connections end', async () => {
  await using pair = await openPair()
  const stream = await pair.a.dial(pair.bAddress, 22)
  const closed = new Promise((resolve) => stream.on('error', () => undefined).once('close', resolve))
  pair.a.removePeer(pair.b.publicKey)
  await closed
  expect(stream.errored).toMatchObject({ code: 'ECONNRESET' })
  await expect(pair.a.dial(pair.bAddress, 22)).rejects.toMatchObject({ code: 'EHOSTUNREACH' })
})

it('AC-151: a closed port refuses, and a handler hears the address of who came', async () => {
  await using pair = await openPair()
  const { promise, resolve } = Promise.withResolvers<unknown>()
  await expect(pair.a.dial(pair.bAddress, 9)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await expect(pair.b.dial(pair.aAddress, 22)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  pair.a.onConnection((stream, from) => {
    resolve(from)
    stream.end()
  })
  const stream = await pair.b.dial(pair.aAddress, 4)
  expect(await promise).toMatchObject({ port: 4, remoteAddress: pair.bAddress })
  stream.resume().end()
  await once(stream, 'close')
})

it('AC-151: a ping of path discovery through the relay is answered, only for peers', () => {
  const user: { node?: RelayUser } = {}
  const answers: { to: Buffer; packet: Buffer }[] = []
  const join = (given: RelayUser): Relay => {
    user.node = given
    return {
      send: (to, packet) => answers.push({ to, packet }),
      [Symbol.dispose]: () => undefined,
    }
  }
  const node = new TailnetNode({ address: addressesOf(randomUUID())[0], relay: { join }, log, region: 7 })
  expect(node.discoKey).toMatch(/^discokey:[0-9a-f]{64}$/)
  const nodeDisco = Buffer.from(node.discoKey.slice('discokey:'.length), 'hex')
  const [peer, disco] = [KeyPair.generate(), KeyPair.generate()]
  const magic = Buffer.from('5453f09f92ac', 'hex')
  const message = (text: Buffer) => Buffer.concat([magic, disco.publicKey, seal(disco, nodeDisco, text)])
  const transaction = Buffer.from('0102030405060708090a0b0c', 'hex')
  const ping = Buffer.concat([Buffer.from([1, 0]), transaction, peer.publicKey])
  user.node?.receive(peer.publicKey, message(ping))
  expect(answers).toEqual([])
  node.setPeer({ key: peer.publicKey, addresses: [addressesOf(randomUUID())[0]] })
  user.node?.receive(peer.publicKey, message(Buffer.from([3, 0, ...ping.subarray(2)])))
  user.node?.receive(peer.publicKey, message(ping.subarray(0, 8)))
  user.node?.receive(peer.publicKey, Buffer.concat([magic, disco.publicKey, Buffer.alloc(60)]))
  expect(answers).toEqual([])
  user.node?.receive(peer.publicKey, message(ping))
  const [{ to, packet } = { to: undefined, packet: Buffer.alloc(0) }] = answers
  expect(to).toEqual(peer.publicKey)
  expect(packet.subarray(0, 38)).toEqual(Buffer.concat([magic, nodeDisco]))
  const pong = open(disco, nodeDisco, packet.subarray(38))
  const relayed = Buffer.from('00000000000000000000ffff7f0303280007', 'hex')
  expect(pong).toEqual(Buffer.concat([Buffer.from([2, 0]), transaction, relayed]))
})
