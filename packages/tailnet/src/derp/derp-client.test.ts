import { expect, it } from 'vitest'

import { until } from '@slipway/testkit'
import { systemClock } from '../clock.ts'
import { KeyPair, keyText } from '../keys.ts'
import { relayAt } from './connect.ts'
import { DerpClient, type RelayState } from './derp-client.ts'
import { DerpRelay } from './derp-relay.fixture.ts'
import { FrameType } from './frames.ts'
import { QUEUE_LIMIT } from './send-queue.ts'

class Client implements Disposable {
  readonly keys = KeyPair.generate()
  readonly received: { from: string; text: string }[] = []
  readonly states: RelayState[] = []
  readonly warnings: object[] = []
  readonly derp: DerpClient

  constructor(url: string, headers: Record<string, string> = {}) {
    this.derp = new DerpClient({
      connect: relayAt(url, headers),
      keys: this.keys,
      clock: systemClock,
      log: { debug: () => undefined, warn: (_message, fields) => this.warnings.push(fields) },
      changed: (state) => this.states.push(state),
      receive: (key, packet) => this.received.push({ from: keyText(key), text: packet.toString() }),
    })
  }

  get texts(): string[] {
    return this.received.map(({ text }) => text)
  }

  [Symbol.dispose](): void {
    this.derp[Symbol.dispose]()
  }
}

it('AC-164: it logs in with its key and what it can do, and carries packets both ways', async () => {
  await using relay = await DerpRelay.start()
  using a = new Client(relay.url, { 'x-test': 'yes' })
  using b = new Client(relay.url)
  await until('both clients', () => relay.clients === 2)
  a.derp.send(b.keys.publicKey, Buffer.from('to b'))
  b.derp.send(a.keys.publicKey, Buffer.from('to a'))
  await until('both packets', () => a.received.length + b.received.length === 2)
  expect(b.received).toEqual([{ from: keyText(a.keys.publicKey), text: 'to b' }])
  expect(a.received).toEqual([{ from: keyText(b.keys.publicKey), text: 'to a' }])
  const login = relay.logins.find(({ key }) => key === keyText(a.keys.publicKey))
  expect(login).toMatchObject({ info: { version: 2, CanAckPings: true }, websocket: false })
  expect(login?.headers['x-test']).toBe('yes')
  expect(a.states).toEqual([{ connected: true, websocketReason: undefined }])
})

it('AC-165: pings are answered with their first 8 bytes, unknown frames and keep-alives are skipped', async () => {
  await using relay = await DerpRelay.start()
  using client = new Client(relay.url)
  await until('the client', () => client.states.length === 1)
  relay.tell(0x7f, Buffer.from('from the future'))
  relay.tell(FrameType.keepAlive, Buffer.alloc(0))
  relay.tell(FrameType.health, Buffer.from('tired'))
  relay.tell(FrameType.ping, Buffer.from('0102030405060708090a', 'hex'))
  await until('the pong', () => relay.pongs.length === 1)
  expect(relay.pongs).toEqual(['0102030405060708'])
  expect(client.warnings).toEqual([{ health: 'tired' }])
})

it('AC-162: where the upgrade is refused with 4xx it takes a WebSocket and says why, with the same headers', async () => {
  await using relay = await DerpRelay.start({ refuseUpgrade: 403 })
  using a = new Client(relay.url, { 'x-test': 'yes' })
  using b = new Client(relay.url)
  await until('both clients', () => relay.clients === 2)
  a.derp.send(b.keys.publicKey, Buffer.from('hello'))
  await until('the packet', () => b.received.length === 1)
  expect(relay.logins.map(({ websocket }) => websocket)).toEqual([true, true])
  expect(relay.logins.some(({ headers }) => headers['x-test'] === 'yes')).toBe(true)
  await until('the state', () => a.states.length === 1)
  expect(a.states).toEqual([{ connected: true, websocketReason: 'GET /derp was answered with status 403' }])
})

it('AC-165: a lost relay is joined again; what was sent meanwhile arrives, the newest of it', async () => {
  await using relay = await DerpRelay.start()
  using a = new Client(relay.url)
  await until('the client', () => a.states.length === 1)
  relay.cut()
  await until('the loss', () => a.states.length >= 2)
  const count = QUEUE_LIMIT.packetsWithoutRelay + 50
  // In one turn, so that no reconnection comes between.
  const was = a.states.at(-1)?.connected
  for (let i = 0; i < count; i += 1) a.derp.send(a.keys.publicKey, Buffer.from(String(i)))
  await until('the newest', () => a.texts.includes(String(count - 1)))
  expect(a.states.slice(0, 2).map(({ connected }) => connected)).toEqual([true, false])
  expect(a.texts).toHaveLength(was === true ? count : QUEUE_LIMIT.packetsWithoutRelay)
})

it('AC-164: packets that no relay carries are not sent, and a disposed client does not come back', async () => {
  await using relay = await DerpRelay.start()
  const client = new Client(relay.url)
  await until('the client', () => relay.clients === 1)
  client.derp.send(client.keys.publicKey, Buffer.alloc(64 * 1024 + 1))
  client.derp.send(client.keys.publicKey, Buffer.from('small'))
  await until('the small one', () => client.received.length === 1)
  expect(relay.packets).toBe(1)
  client[Symbol.dispose]()
  await until('its end', () => relay.clients === 0)
  expect(relay.logins).toHaveLength(1)
})
