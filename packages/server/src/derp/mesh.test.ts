import { duplexPair } from 'node:stream'

import { Registry } from 'prom-client'
import { describe, expect, it, onTestFinished } from 'vitest'

import { silentLogger } from '@slipway/request-log'
import { FrameType, frame, MAX_PACKET_BYTES } from '@slipway/tailnet/relay'
import { startTestServer, until } from '@slipway/testkit'
import { DerpClient, dial, dialFast } from './derp-client.fixture.ts'
import { DerpRelay, type RelayParts } from './relay.ts'

const KEY = 'the key of these replicas'
const NEVER = 3_600_000
const DISCO = Buffer.from('5453f09f92ac', 'hex')

function start(parts: Partial<RelayParts> = {}) {
  const limits = { writeMs: NEVER, loginMs: NEVER }
  const relay = new DerpRelay({
    log: silentLogger(),
    metrics: new Registry(),
    meshKey: KEY,
    limits,
    ...parts,
  })
  onTestFinished(() => relay[Symbol.dispose]())
  const login = (info = {}): Promise<DerpClient> => {
    const [near, far] = duplexPair()
    void relay.serve(near)
    return new DerpClient(far).login(info)
  }
  return { relay, login }
}

/** Lets one relay use the other. @returns what breaks the connection. */
function link(from: DerpRelay, to: DerpRelay): { cut: () => void; over: Promise<void> } {
  const [near, far] = duplexPair()
  void to.serve(far)
  const over = from.link(near)
  return { cut: () => near.destroy(), over }
}

/** Waits until packets of one client reach another. */
async function reaches(from: DerpClient, to: DerpClient): Promise<void> {
  await until('a way from one relay to the other', () => {
    from.send(to.publicKey, Buffer.from('are you there'))
    return to.frames.some(({ type }) => type === FrameType.receivePacket)
  })
  await from.settled()
}

const packetsOf = (client: DerpClient): string[] =>
  client.frames
    .filter(({ type }) => type === FrameType.receivePacket)
    .map(({ payload }) => payload.subarray(32).toString('latin1'))

describe('AC-169: linked relays', () => {
  it('pass packets to the clients of each other, whole and with the key of their sender', async () => {
    const [one, other] = [start(), start()]
    link(one.relay, other.relay)
    link(other.relay, one.relay)
    const [ada, ben] = [await one.login(), await other.login()]
    await reaches(ada, ben)
    await reaches(ben, ada)
    const large = Buffer.alloc(MAX_PACKET_BYTES, 5)
    ada.send(ben.publicKey, large)
    const arrived = await until('the large packet', () =>
      ben.frames.find(({ payload }) => payload.length === 32 + large.length),
    )
    expect(arrived.payload.equals(Buffer.concat([ada.publicKey, large]))).toBe(true)
  })

  it('tell of those who leave, and of all when the link is lost', async () => {
    const [one, other] = [start(), start()]
    link(one.relay, other.relay)
    const back = link(other.relay, one.relay)
    const [ada, eve, ben] = [await one.login(), await one.login(), await other.login()]
    // Both ends know of each other then.
    await reaches(ben, ada)
    await reaches(ben, eve)
    await reaches(ada, ben)
    ben.frames.splice(0)
    await reaches(eve, ben)
    ada.stream.destroy()
    expect((await ben.next(FrameType.peerGone)).payload).toEqual(Buffer.concat([ada.publicKey, Buffer.of(0)]))
    back.cut()
    await back.over
    expect((await ben.next(FrameType.peerGone)).payload).toEqual(Buffer.concat([eve.publicKey, Buffer.of(0)]))
    ben.send(eve.publicKey, DISCO)
    expect((await ben.next(FrameType.peerGone)).payload).toEqual(Buffer.concat([eve.publicKey, Buffer.of(1)]))
  })

  it('pass nothing on to a third', async () => {
    const [one, middle, third] = [start(), start(), start()]
    link(one.relay, middle.relay)
    link(middle.relay, third.relay)
    const [ada, ben, carl] = [await one.login(), await middle.login(), await third.login()]
    await reaches(ada, ben)
    await reaches(ben, carl)
    carl.frames.splice(0)
    ada.send(carl.publicKey, DISCO)
    expect((await ada.next(FrameType.peerGone)).payload).toEqual(
      Buffer.concat([carl.publicKey, Buffer.of(1)]),
    )
    expect(packetsOf(carl)).toEqual([])
  })

  it('end with a relay that has another key, and with themselves', async () => {
    const [one, stranger] = [start(), start({ meshKey: 'another' })]
    await link(one.relay, stranger.relay).over
    await link(one.relay, one.relay).over
    expect(one.relay.hasRoom).toBe(true)
  })
})

describe('AC-169: who holds the key of the replicas', () => {
  it('is told who is here, who comes and who goes, and may end connections', async () => {
    const { login } = start()
    const ada = await login()
    const replica = await login({ meshKey: KEY })
    replica.write(frame(FrameType.watchConnections))
    const told = [await replica.next(FrameType.peerPresent), await replica.next(FrameType.peerPresent)]
    expect(told.map(({ payload }) => payload)).toEqual([ada.publicKey, replica.publicKey])
    const ben = await login()
    expect((await replica.next(FrameType.peerPresent)).payload).toEqual(ben.publicKey)
    replica.write(
      frame(FrameType.forwardPacket, Buffer.alloc(32, 9), ben.publicKey, Buffer.from('from afar')),
    )
    const { payload } = await ben.next(FrameType.receivePacket)
    expect(payload).toEqual(Buffer.concat([Buffer.alloc(32, 9), Buffer.from('from afar')]))
    replica.write(frame(FrameType.closePeer, ben.publicKey))
    await ben.ended()
    expect((await replica.next(FrameType.peerGone)).payload).toEqual(
      Buffer.concat([ben.publicKey, Buffer.of(0)]),
    )
    expect(ada.closed).toBe(false)
  })

  it('is admitted without anybody being asked', async () => {
    const { login } = start({ admits: () => false })
    await (await login({ meshKey: KEY })).settled()
    await expect(login()).rejects.toThrow('closed')
  })

  it('hears of everybody, however slow it is', async () => {
    const { login } = start()
    const ada = await login()
    const replica = await login({ meshKey: KEY })
    replica.write(frame(FrameType.watchConnections))
    await replica.settled()
    replica.stream.pause()
    for (let i = 0; i < 4; i += 1) ada.send(replica.publicKey, Buffer.alloc(MAX_PACKET_BYTES))
    await ada.settled()
    const many = await Promise.all(Array.from({ length: 600 }, () => login()))
    replica.stream.resume()
    const names = (): Set<string> =>
      new Set(
        replica.frames
          .filter(({ type }) => type === FrameType.peerPresent)
          .map(({ payload }) => payload.toString('hex')),
      )
    await until('all of them', () => many.every((client) => names().has(client.publicKey.toString('hex'))))
  })

  it.each([
    ['a wrong key', 'x'.repeat(KEY.length)],
    ['no key', ''],
  ])('with %s nothing is told', async (_what, meshKey) => {
    const { login } = start()
    const client = await login({ meshKey })
    client.write(frame(FrameType.watchConnections))
    await client.ended()
    const alone = start({ meshKey: '' })
    const other = await alone.login({ meshKey })
    other.write(frame(FrameType.watchConnections))
    await other.ended()
  })
})

it('AC-169: clients of two replicas of a deployment reach each other', async () => {
  await using one = await startTestServer()
  await using other = await startTestServer({ databaseUrl: one.databaseUrl })
  const [ada, ben] = [await dial(one.url), await dialFast(other.url)]
  await reaches(ada, ben)
  await reaches(ben, ada)
  // Both ends know of each other now, so that who leaves is missed.
  ben.frames.splice(0)
  await reaches(ada, ben)
  ada.stream.destroy()
  expect((await ben.next(FrameType.peerGone)).payload).toEqual(Buffer.concat([ada.publicKey, Buffer.of(0)]))
  ben.stream.destroy()
})
