import { once } from 'node:events'
import { connect as connectHttp2, createServer, type Http2Session } from 'node:http2'
import { Duplex } from 'node:stream'

import { createWebSocketStream, WebSocket, WebSocketServer } from 'ws'

import { serveTunnel, TunnelClient } from '@slipway/tunnel'
import { SETTINGS, widen } from '../packages/tunnel/src/limits.ts'
import { type Bench, median } from './harness.ts'

const CHUNK = Buffer.alloc(64 * 1024, 7)
const CHUNKS = 4_000

/** Bytes through `CONNECT` of the tunnel against bytes through a bare HTTP/2 stream on a WebSocket of the same kind. */
export const tunnel: Bench = async () => {
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < 4; round += 1) {
    const [raw, whole] = [await throughHttp2(), await throughTunnel()]
    // The first round warms up.
    if (round > 0) {
      theirs.push(raw)
      ours.push(whole)
    }
  }
  const [mine, baseline] = [median(ours), median(theirs)]
  return [
    {
      what: 'tunnel byte stream',
      measured: `${mine.toFixed(0)} MB/s`,
      baseline: `${baseline.toFixed(0)} MB/s (raw HTTP/2 over the same WebSocket)`,
      result: (mine / baseline).toFixed(2),
      wanted: 'at least 0.8',
    },
  ]
}

async function sockets(): Promise<{ near: WebSocket; far: WebSocket; server: WebSocketServer }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
  await once(server, 'listening')
  const address = server.address()
  if (typeof address === 'string' || address === null) throw new Error('no port')
  const far = new WebSocket(`ws://127.0.0.1:${address.port}`, { perMessageDeflate: false })
  const [near] = await once(server, 'connection')
  if (far.readyState !== far.OPEN) await once(far, 'open')
  return { near, far, server }
}

/** Swallows what is written and tells when enough has come. */
class Counter extends Duplex {
  #missing = CHUNK.length * CHUNKS
  #resolve: () => void = () => undefined
  readonly done = new Promise<void>((resolve) => {
    this.#resolve = resolve
  })

  override _read(): void {
    // Nothing comes back.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#missing -= chunk.length
    if (this.#missing <= 0) this.#resolve()
    done()
  }
}

/** Megabytes per second into a stream whose other end counts them. */
async function pump(stream: Duplex, counter: Counter): Promise<number> {
  const before = performance.now()
  for (let i = 0; i < CHUNKS; i += 1) if (!stream.write(CHUNK)) await once(stream, 'drain')
  await counter.done
  return (CHUNK.length * CHUNKS) / 1_000 / (performance.now() - before)
}

async function throughTunnel(): Promise<number> {
  const { near, far, server } = await sockets()
  const sink = new Counter()
  using _served = serveTunnel(far, {
    request: (_request, response) => response.end(),
    connect: async () => sink,
  })
  using client = new TunnelClient(near)
  const rate = await pump(await client.connect('somewhere:1'), sink)
  server.close()
  return rate
}

async function throughHttp2(): Promise<number> {
  const { near, far, server } = await sockets()
  const h2 = createServer({ settings: SETTINGS })
  let served: Http2Session | undefined
  const stream = new Promise<Duplex>((resolve) => {
    h2.on('session', (session) => {
      served = session
      widen(session)
    })
    h2.on('stream', (opened) => {
      opened.respond({ ':status': 200 })
      resolve(opened)
    })
  })
  h2.emit('connection', createWebSocketStream(far))
  const session = connectHttp2('http://bare', {
    createConnection: () => createWebSocketStream(near),
    settings: SETTINGS,
  })
  session.on('connect', () => widen(session))
  const request = session.request({ ':method': 'POST', ':path': '/' })
  const counter = new Counter()
  ;(await stream).pipe(counter)
  const rate = await pump(request, counter)
  request.on('error', () => undefined)
  session.destroy()
  served?.destroy()
  near.terminate()
  far.terminate()
  server.close()
  return rate
}
