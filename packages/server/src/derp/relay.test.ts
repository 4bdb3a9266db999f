import { duplexPair } from 'node:stream'

import { Registry } from 'prom-client'
import { describe, expect, it, onTestFinished } from 'vitest'

import { silentLogger } from '@slipway/request-log'
import { boxBetween, FrameType, frame, KeyPair, MAX_PACKET_BYTES } from '@slipway/tailnet/relay'
import { until } from '@slipway/testkit'
import { DerpClient } from './derp-client.fixture.ts'
import { DerpRelay, type RelayParts } from './relay.ts'

const DISCO = Buffer.from('5453f09f92ac', 'hex')
const packet = (text: string): Buffer => Buffer.from(text)
const disco = (text: string): Buffer => Buffer.concat([DISCO, Buffer.from(text)])

/** Nobody has to wait for this. */
const NEVER = 3_600_000

/** A relay in memory, and clients of it. */
function start(parts: Pick<RelayParts, 'admits' | 'limits'> = {}) {
  const metrics = new Registry()
  const limits = { writeMs: NEVER, loginMs: NEVER, ...parts.limits }
  const relay = new DerpRelay({ log: silentLogger(), metrics, admits: parts.admits, limits })
  onTestFinished(() => relay[Symbol.dispose]())
  const open = (key?: KeyPair): DerpClient => {
    const [near, far] = duplexPair()
    void relay.serve(near)
    return new DerpClient(far, key)
  }
  return {
    relay,
    open,
    login: (key?: KeyPair) => open(key).login(),
    /** The value of a series in the metrics. */
    async metric(series: string): Promise<number> {
      const text = await metrics.metrics()
      return Number(new RegExp(`^${series.replace(/[{}]/g, '\\$&')} (.*)$`, 'm').exec(text)?.[1] ?? 0)
    },
  }
}

/** A client that reads nothing any more. */
function deafen(client: DerpClient): void {
  client.stream.pause()
}

describe('AC-164: login', () => {
  it('proves both keys, and says the version', async () => {
    const { login, metric } = start()
    const client = await login()
    expect(client.serverInfo).toEqual({ version: 2 })
    expect(await metric('slipway_derp_connections')).toBe(1)
    client.stream.end()
    await client.ended()
    await until('the end of it', async () => (await metric('slipway_derp_connections')) === 0)
  })

  it.each([
    [
      'another key than its own',
      (client: DerpClient, relay: DerpRelay) => {
        const box = boxBetween(client.key, relay.publicKey)
        const sealed = box?.seal(Buffer.from('{"version":2}')) ?? Buffer.alloc(0)
        return frame(FrameType.clientInfo, KeyPair.generate().publicKey, sealed)
      },
    ],
    ['a key of small order', () => frame(FrameType.clientInfo, Buffer.alloc(100))],
    ['nothing of itself', () => frame(FrameType.clientInfo)],
    [
      'what is no JSON',
      (client: DerpClient, relay: DerpRelay) =>
        frame(
          FrameType.clientInfo,
          client.publicKey,
          boxBetween(client.key, relay.publicKey)?.seal(Buffer.from('{')) ?? Buffer.alloc(0),
        ),
    ],
    [
      'a packet first',
      (client: DerpClient) => frame(FrameType.sendPacket, client.publicKey, Buffer.from('x')),
    ],
    [
      'too much',
      () => {
        const header = frame(FrameType.clientInfo)
        header.writeUInt32BE(256 * 1024 + 1, 1)
        return header
      },
    ],
  ])('cuts off who says %s', async (_what, first) => {
    const { relay, open, metric } = start()
    const client = open()
    client.write(first(client, relay))
    await client.ended()
    expect(await metric('slipway_derp_cut_connections_total{reason="protocol"}')).toBe(1)
    expect(client.frames.map(({ type }) => type)).toEqual([FrameType.serverKey])
  })

  it('cuts off who does not say who it is in time', async () => {
    const { open, metric } = start({ limits: { loginMs: 30 } })
    const client = open()
    client.write(Buffer.of(FrameType.clientInfo))
    await client.ended()
    expect(await metric('slipway_derp_cut_connections_total{reason="login_timeout"}')).toBe(1)
  })

  it('takes no more connections and strangers than it may', async () => {
    const { open, relay, metric } = start({ limits: { connections: 3, logins: 2 } })
    const [one, other] = [open(), open()]
    expect(relay.hasRoom).toBe(false)
    await open().ended()
    await one.login()
    expect(relay.hasRoom).toBe(true)
    await other.login()
    await open().login()
    expect(relay.hasRoom).toBe(false)
    await open().ended()
    expect(await metric('slipway_derp_cut_connections_total{reason="too_many"}')).toBe(2)
    one.stream.destroy()
    await until('room', () => relay.hasRoom)
  })

  it('takes no more bytes of strangers than it may, and forgets those of who has logged in', async () => {
    const { open, relay } = start({ limits: { loginBytes: 300_000 } })
    const strangers = [open(), open()].map((client) => {
      const box = boxBetween(client.key, relay.publicKey)
      if (box === undefined) throw new Error('a fresh key has no box')
      const hello = client.clientInfo(box, { padding: 'x'.repeat(200_000) })
      client.write(hello.subarray(0, 199_000))
      return { client, rest: hello.subarray(199_000) }
    })
    await until('one of them to go', () => strangers.some(({ client }) => client.closed))
    const left = strangers.filter(({ client }) => !client.closed)
    expect(left).toHaveLength(1)
    for (const { client, rest } of left) {
      client.write(rest)
      await client.next(FrameType.serverInfo)
    }
    await open().login({ padding: 'x'.repeat(200_000) })
  })

  it('AC-302: admits whom it is told to, and nobody else', async () => {
    const [known, unknown] = [KeyPair.generate(), KeyPair.generate()]
    const { login, metric } = start({ admits: async (key) => key.equals(known.publicKey) })
    await (await login(known)).settled()
    await expect(login(unknown)).rejects.toThrow('closed')
    expect(await metric('slipway_derp_cut_connections_total{reason="unknown_key"}')).toBe(1)
  })
})

describe('AC-165: packets', () => {
  it('arrive with the key of their sender, whole and in order', async () => {
    const { login, metric } = start()
    const [ada, ben] = [await login(), await login()]
    const large = Buffer.alloc(MAX_PACKET_BYTES, 7)
    ada.send(ben.publicKey, packet('one'))
    ada.send(ben.publicKey, large)
    ada.send(ben.publicKey, Buffer.alloc(0))
    for (const sent of [packet('one'), large, Buffer.alloc(0)]) {
      const { payload } = await ben.next(FrameType.receivePacket)
      expect(payload.subarray(0, 32)).toEqual(ada.publicKey)
      expect(payload.subarray(32).equals(sent)).toBe(true)
    }
    expect(await metric('slipway_derp_packets_total')).toBe(3)
    expect(await metric('slipway_derp_bytes_total')).toBe(3 + MAX_PACKET_BYTES)
  })

  it('one byte over 64 KiB cuts its sender off, and nothing of it arrives', async () => {
    const { login } = start()
    const [ada, ben] = [await login(), await login()]
    ada.send(ben.publicKey, Buffer.alloc(MAX_PACKET_BYTES + 1))
    await ada.ended()
    await ben.settled()
    expect(ben.frames.filter(({ type }) => type === FrameType.receivePacket)).toEqual([])
  })

  it('pings are answered with their first eight bytes; what is unknown is skipped', async () => {
    const { login } = start()
    const ada = await login()
    ada.write(frame(0x7f, Buffer.alloc(300_000)))
    ada.write(frame(FrameType.notePreferred, Buffer.of(1)))
    ada.write(frame(FrameType.ping, Buffer.from('12345678 and more')))
    expect((await ada.next(FrameType.pong)).payload.toString()).toBe('12345678')
  })

  it('who says nothing is told that the relay is there, again and again', async () => {
    const { login } = start({ limits: { keepAliveMs: () => 20 } })
    const ada = await login()
    for (let i = 0; i < 3; i += 1) expect((await ada.next(FrameType.keepAlive)).payload).toHaveLength(0)
  })

  it.each([
    ['watch_conns', frame(FrameType.watchConnections)],
    ['forward_packet', frame(FrameType.forwardPacket, Buffer.alloc(80))],
    ['close_peer', frame(FrameType.closePeer, Buffer.alloc(32))],
  ])('AC-169: %s, which is for replicas, cuts a client off', async (_name, bytes) => {
    const { login } = start()
    const ada = await login()
    ada.write(bytes)
    await ada.ended()
  })
})

describe('AC-166: queues', () => {
  it('AC-312: the oldest packets are dropped, disco has a place of its own, and the sender never waits', async () => {
    const { login, metric } = start()
    const [ada, ben] = [await login(), await login()]
    deafen(ben)
    // What is on its way already when the queue begins to fill.
    ada.send(ben.publicKey, Buffer.alloc(MAX_PACKET_BYTES))
    ada.send(ben.publicKey, Buffer.alloc(MAX_PACKET_BYTES))
    for (let i = 0; i < 512 + 100; i += 1) ada.send(ben.publicKey, packet(`packet ${i}`))
    for (let i = 0; i < 3; i += 1) ada.send(ben.publicKey, disco(`disco ${i}`))
    await ada.settled()
    const lost = await metric('slipway_derp_dropped_packets_total{reason="queue_full"}')
    expect(lost).toBeGreaterThanOrEqual(100)
    ben.stream.resume()
    await ben.settled()
    const texts = ben.frames
      .filter(({ type, payload }) => type === FrameType.receivePacket && payload.length < MAX_PACKET_BYTES)
      .map(({ payload }) => payload.subarray(32).toString())
    const found = texts.filter((text) => text.includes('disco'))
    const others = texts.filter((text) => text.includes('packet'))
    expect(found.map((text) => text.slice(-1))).toEqual(['0', '1', '2'])
    expect(others).toEqual(Array.from({ length: 512 }, (_, i) => `packet ${i + 100}`))
    expect(
      texts.findIndex((text) => text.includes('packet')),
      'disco goes first',
    ).toBe(3)
  })

  it('hold no more than some bytes either', async () => {
    const { login, metric } = start()
    const [ada, ben] = [await login(), await login()]
    deafen(ben)
    for (let i = 0; i < 200; i += 1) ada.send(ben.publicKey, Buffer.alloc(MAX_PACKET_BYTES))
    await ada.settled()
    expect(await metric('slipway_derp_dropped_packets_total{reason="queue_full"}')).toBeGreaterThan(50)
  })

  it('AC-165: who takes nothing for too long is cut off, and what waits for it is lost', async () => {
    const { login, metric } = start({ limits: { writeMs: 30 } })
    const [ada, ben] = [await login(), await login()]
    deafen(ben)
    for (let i = 0; i < 10; i += 1) ada.send(ben.publicKey, Buffer.alloc(MAX_PACKET_BYTES))
    await until(
      'the cut',
      async () => (await metric('slipway_derp_cut_connections_total{reason="write_timeout"}')) === 1,
    )
    await until('its end', async () => (await metric('slipway_derp_connections')) === 1)
    expect(await metric('slipway_derp_dropped_packets_total{reason="gone"}')).toBeGreaterThan(0)
    await ada.settled()
  })
})

describe('AC-167: who is gone', () => {
  it('those that a client has sent to are told when it leaves, and nobody else', async () => {
    const { login } = start()
    const [ada, ben, eve] = [await login(), await login(), await login()]
    ada.send(ben.publicKey, packet('hello'))
    eve.send(ada.publicKey, packet('hello'))
    await ben.next(FrameType.receivePacket)
    await ada.next(FrameType.receivePacket)
    ada.stream.destroy()
    const { payload } = await ben.next(FrameType.peerGone)
    expect(payload).toEqual(Buffer.concat([ada.publicKey, Buffer.of(0)]))
    await eve.settled()
    expect(eve.frames.map(({ type }) => type)).not.toContain(FrameType.peerGone)
  })

  it('who looks for somebody unknown is told three times at once; other packets are lost', async () => {
    const { login, metric } = start()
    const ada = await login()
    const nobody = KeyPair.generate().publicKey
    ada.send(nobody, packet('hello'))
    await ada.settled()
    expect(ada.frames.map(({ type }) => type)).not.toContain(FrameType.peerGone)
    for (let i = 0; i < 10; i += 1) ada.send(nobody, disco('where are you'))
    await ada.settled()
    const told = ada.frames.filter(({ type }) => type === FrameType.peerGone)
    expect(told[0]?.payload).toEqual(Buffer.concat([nobody, Buffer.of(1)]))
    expect(told).toHaveLength(3)
    expect(await metric('slipway_derp_dropped_packets_total{reason="unknown_destination"}')).toBe(11)
  })
})

describe('AC-168: two connections with one key', () => {
  it('the one that sent last gets what is sent to the key', async () => {
    const { login } = start()
    const key = KeyPair.generate()
    const [first, second, ada] = [await login(key), await login(key), await login()]
    const arrives = async (at: DerpClient, text: string): Promise<void> => {
      ada.send(key.publicKey, packet(text))
      expect((await at.next(FrameType.receivePacket)).payload.subarray(32).toString()).toBe(text)
    }
    await arrives(second, 'the newest')
    first.send(ada.publicKey, packet('here I am'))
    await ada.next(FrameType.receivePacket)
    await arrives(first, 'the one that has sent')
    await second.settled()
    await arrives(second, 'and the other')
    second.stream.destroy()
    await until('it to be taken out', async () => {
      ada.send(key.publicKey, packet('the one that is left'))
      return first.frames.some(({ type }) => type === FrameType.receivePacket)
    })
    expect(
      ada.frames.map(({ type }) => type),
      'the key is still there',
    ).not.toContain(FrameType.peerGone)
    first.stream.destroy()
    await ada.next(FrameType.peerGone)
  })
})
