import { once } from 'node:events'
import { connect } from 'node:net'
import { isDeepStrictEqual } from 'node:util'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { boxBetween, FrameType, MAX_PACKET_BYTES } from '@slipway/tailnet/relay'
import { startTestServer, type TestServer, until } from '@slipway/testkit'
import { ask, DerpClient, dial, dialFast, dialWebSocket } from './derp-client.fixture.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({
    env: {
      CODER_ACCESS_URL: 'https://slipway.example.com',
      CODER_DERP_SERVER_STUN_ADDRESSES: 'disable',
    },
  })
})
afterAll(() => server[Symbol.asyncDispose]())

const UPGRADE = ['Upgrade: DERP', 'Connection: Upgrade']

describe('AC-162: ways to the relay', () => {
  it('without an upgrade, or with that to another protocol, is 426', async () => {
    const plain = await fetch(`${server.url}/derp`, { redirect: 'manual' })
    expect(plain.status).toBe(426)
    expect(plain.headers.get('upgrade')).toBe('DERP, websocket')
    expect(await plain.json()).toMatchObject({ message: expect.stringContaining('DERP') })
    const { head } = await ask(server.url, [
      'GET /derp HTTP/1.1',
      'Host: relay',
      'Upgrade: telnet',
      'Connection: Upgrade',
    ])
    expect(head).toMatch(/^HTTP\/1\.1 426 /)
  })

  it.each([
    ['DERP', ['Host: 127.0.0.1', ...UPGRADE]],
    [
      'derp, by a client that signs in elsewhere',
      [
        'Host: x',
        'Upgrade: derp',
        'connection: upgrade',
        'Cookie: coder_session_token=x',
        'Origin: https://evil.example',
      ],
    ],
    ['DERP, from a probe that names no host', UPGRADE],
  ])('%s: the answer tells the key of the relay', async (_name, lines) => {
    const { head, stream } = await ask(server.url, ['GET /derp HTTP/1.1', ...lines])
    stream.destroy()
    expect(head.split('\r\n')).toEqual([
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: DERP',
      'Connection: Upgrade',
      'Derp-Version: 2',
      expect.stringMatching(/^Derp-Public-Key: [0-9a-f]{64}$/),
      '',
      '',
    ])
  })

  it('who begins fast hears frames and nothing of HTTP', async () => {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    socket.write(['GET /derp HTTP/1.1', 'Host: x', ...UPGRADE, 'Derp-Fast-Start: 1', '\r\n'].join('\r\n'))
    const [first] = await once(socket, 'data')
    socket.destroy()
    expect(Buffer.from(first).subarray(0, 13).toString('hex')).toBe('010000002844455250f09f9491')
  })

  it('what a client sends in one piece with its request is not lost', async () => {
    const { head, stream } = await ask(server.url, ['GET /derp HTTP/1.1', 'Host: x', ...UPGRADE])
    stream.destroy()
    const relayKey = Buffer.from(/Derp-Public-Key: (\w+)/.exec(head)?.[1] ?? '', 'hex')
    const { hostname, port } = new URL(server.url)
    const eager = new DerpClient(connect(Number(port), hostname))
    const box = boxBetween(eager.key, relayKey)
    if (box === undefined) throw new Error('the relay has no usable key')
    const request = ['GET /derp HTTP/1.1', 'Host: x', ...UPGRADE, 'Derp-Fast-Start: 1', '\r\n'].join('\r\n')
    eager.write(Buffer.concat([Buffer.from(request), eager.clientInfo(box)]))
    await eager.next(FrameType.serverInfo)
    await eager.settled()
    eager.stream.destroy()
  })

  it.each([[['derp']], [['other', 'derp']]])(
    'a WebSocket of %s is accepted, from any page',
    async (protocols) => {
      const socket = new WebSocket(`${server.url.replace('http', 'ws')}/derp`, protocols, {
        origin: 'https://elsewhere.example',
      })
      await once(socket, 'open')
      expect(socket.protocol).toBe('derp')
      expect(socket.extensions).toBe('')
      socket.terminate()
    },
  )

  it('one without the subprotocol is refused', async () => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/derp`)
    const [request, answer] = await once(socket, 'unexpected-response')
    expect(answer.statusCode).toBe(400)
    request.destroy()
  })

  it('AC-163: the way there is measured with an empty answer', async () => {
    const answer = await fetch(`${server.url}/derp/latency-check`, { redirect: 'manual' })
    expect([answer.status, await answer.text()]).toEqual([200, ''])
  })
})

describe('AC-165: two clients', () => {
  it.each([
    ['upgrades', dial, dial],
    ['a fast start and a WebSocket', dialFast, dialWebSocket],
  ])('exchange 64 KiB over %s; one byte more cuts the sender off', async (_name, dialOne, dialOther) => {
    const [ada, ben] = [await dialOne(server.url), await dialOther(server.url)]
    const packet = Buffer.alloc(MAX_PACKET_BYTES, 3)
    for (const [from, to] of [
      [ada, ben],
      [ben, ada],
    ] as const) {
      from.send(to.publicKey, packet)
      const { payload } = await to.next(FrameType.receivePacket)
      expect(payload.subarray(0, 32)).toEqual(from.publicKey)
      expect(payload.subarray(32).equals(packet)).toBe(true)
    }
    ben.send(ada.publicKey, Buffer.alloc(MAX_PACKET_BYTES + 1))
    await ben.ended()
    expect((await ada.next(FrameType.peerGone)).payload).toEqual(Buffer.concat([ben.publicKey, Buffer.of(0)]))
    ada.stream.destroy()
  })
})

describe('AC-306: the relay map', () => {
  const address = (): string => `${server.url.replace('http', 'ws')}/api/v2/derp-map`

  it('comes in a binary message to those who have signed in, and to nobody else', async () => {
    const { headers } = await server.owner()
    const socket = new WebSocket(address(), { headers })
    const [data, isBinary] = await once(socket, 'message')
    socket.terminate()
    expect(isBinary).toBe(true)
    expect(JSON.parse(String(data))).toEqual({
      Regions: {
        999: {
          EmbeddedRelay: true,
          RegionID: 999,
          RegionCode: 'coder',
          RegionName: 'Coder Embedded Relay',
          Nodes: [
            { Name: '999b', RegionID: 999, HostName: 'slipway.example.com', STUNPort: -1, DERPPort: 443 },
          ],
        },
      },
    })
    const stranger = new WebSocket(address())
    const [request, answer] = await once(stranger, 'unexpected-response')
    expect(answer.statusCode).toBe(401)
    request.destroy()
    const plain = await fetch(`${server.url}/api/v2/derp-map`, { headers })
    expect(plain.status).toBe(426)
  })
})

describe('connections to the relay', () => {
  it('AC-312, ID-117: are in the metrics while they last, however they were made', async () => {
    const { headers } = await server.owner()
    const told = async (): Promise<string[]> => {
      const text = await (await fetch(`${server.url}/metrics`, { headers })).text()
      return text
        .split('\n')
        .filter((line) => /^slipway_derp_connections |_concurrent_.*path="\/derp"/.test(line))
    }
    const shows = (open: number) => async (): Promise<boolean> =>
      isDeepStrictEqual(
        new Set(await told()),
        new Set([
          'coderd_api_concurrent_requests{method="GET",path="/derp"} 0',
          `coderd_api_concurrent_websockets{path="/derp"} ${open}`,
          `slipway_derp_connections ${open}`,
        ]),
      )
    await until('those of other tests to be over', shows(0))
    const { url } = server
    const clients = [await dial(url), await dialFast(url), await dialWebSocket(url)]
    expect(new Set(await told())).toEqual(
      new Set([
        'coderd_api_concurrent_requests{method="GET",path="/derp"} 0',
        'coderd_api_concurrent_websockets{path="/derp"} 3',
        'slipway_derp_connections 3',
      ]),
    )
    for (const client of clients) client.stream.destroy()
    await until('none to be left', shows(0))
  })

  it('OP-32: do not hold up the end of the server', async () => {
    const { url } = server
    const clients = [await dial(url), await dialFast(url), await dialWebSocket(url)]
    await server.stop()
    for (const client of clients) await client.ended()
    await server.start()
  })

  it('AC-162: are refused where the relay is switched off', async () => {
    await using other = await startTestServer({ env: { CODER_DERP_SERVER_ENABLE: 'false' } })
    const { head } = await ask(other.url, ['GET /derp HTTP/1.1', 'Host: x', ...UPGRADE])
    expect(head).toMatch(/^HTTP\/1\.1 404 /)
    expect((await fetch(`${other.url}/derp/latency-check`)).status).toBe(200)
  })
})
