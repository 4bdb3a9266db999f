import { once } from 'node:events'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'

import { createWebSocketStream, WebSocket } from 'ws'

import { type Box, boxBetween, FrameType, frame, KeyPair, MAGIC } from '@slipway/tailnet/relay'
import { until } from '@slipway/testkit'
import { type Frame, FrameReader } from './frames.ts'

/** What client info may hold beside its version. */
type Info = Readonly<Record<string, unknown>>

/** A client of a relay over any stream of bytes. It keeps all frames that come, but for those of the login. */
export class DerpClient implements Disposable {
  readonly key: KeyPair
  readonly stream: Duplex
  readonly frames: Frame[] = []
  /** What the relay has said of itself. */
  serverInfo: unknown
  readonly #reader = new FrameReader(() => [0, 1024 * 1024])

  constructor(stream: Duplex, key = KeyPair.generate()) {
    this.stream = stream
    this.key = key
    stream.on('error', () => stream.destroy())
    stream.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk)
      for (let read = this.#reader.next(); read !== undefined; read = this.#reader.next())
        this.frames.push(read)
    })
    // Whoever has read the answer of the server has paused it.
    stream.resume()
  }

  get publicKey(): Buffer {
    return this.key.publicKey
  }

  get closed(): boolean {
    return this.stream.destroyed || this.stream.readableEnded
  }

  /** Logs in. @throws Error when the relay breaks the protocol, or closes. */
  async login(info: Info = {}): Promise<this> {
    const box = await this.#hear()
    this.write(this.clientInfo(box, info))
    const { type, payload } = await this.next(FrameType.serverInfo)
    const opened = type === FrameType.serverInfo ? box.open(payload) : undefined
    if (opened === undefined) throw new Error('the relay has not proven its key')
    this.serverInfo = JSON.parse(opened.toString())
    return this
  }

  /** What says who the client is. */
  clientInfo(box: Box, info: Info = {}): Buffer {
    const text = JSON.stringify({ version: 2, CanAckPings: true, ...info })
    return frame(FrameType.clientInfo, this.publicKey, box.seal(Buffer.from(text)))
  }

  async #hear(): Promise<Box> {
    const { payload } = await this.next(FrameType.serverKey)
    const box = boxBetween(this.key, payload.subarray(MAGIC.length))
    if (!payload.subarray(0, MAGIC.length).equals(MAGIC) || box === undefined)
      throw new Error('this is no relay')
    return box
  }

  write(bytes: Buffer): void {
    this.stream.write(bytes)
  }

  /** Sends a packet to the owner of a key. */
  send(to: Buffer, packet: Buffer): void {
    this.write(frame(FrameType.sendPacket, to, packet))
  }

  /** Takes the next frame of a type; others stay. @throws Error when the relay closes. */
  next(type: number): Promise<Frame> {
    return until(`a frame of type ${type}`, () => {
      const at = this.frames.findIndex((one) => one.type === type)
      const [found] = at < 0 ? [] : this.frames.splice(at, 1)
      if (found === undefined && this.closed) throw new Error('the relay has closed the connection')
      return found
    })
  }

  /** Waits until the relay has done with all that was sent to it so far. */
  async settled(): Promise<void> {
    this.write(frame(FrameType.ping, Buffer.from('settled!')))
    await this.next(FrameType.pong)
  }

  /** Waits until the relay has closed the connection. */
  async ended(): Promise<void> {
    await until('the end of the connection', () => this.closed)
  }

  [Symbol.dispose](): void {
    this.stream.destroy()
  }
}

/** What a server answers to the head of a request that is sent to it word by word, and the connection behind it. */
export async function ask(
  url: string,
  lines: readonly string[],
): Promise<{ readonly head: string; readonly stream: Duplex }> {
  const stream = await send(url, lines)
  let bytes = Buffer.alloc(0)
  const ending = '\r\n\r\n'
  await new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk])
      if (!bytes.includes(ending)) return
      stream.off('data', take)
      stream.pause()
      resolve()
    }
    stream.on('data', take)
    stream.on('close', () => reject(new Error('the server closed without an answer')))
  })
  const end = bytes.indexOf(ending) + ending.length
  if (end < bytes.length) stream.unshift(bytes.subarray(end))
  return { head: bytes.subarray(0, end).toString(), stream }
}

async function send(url: string, lines: readonly string[]): Promise<Duplex> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  return socket
}

const UPGRADE = ['GET /derp HTTP/1.1', 'Host: relay', 'Upgrade: DERP', 'Connection: Upgrade']

/** Connects as clients do that wait for the answer of the server. */
export async function dial(url: string, key?: KeyPair): Promise<DerpClient> {
  const { stream } = await ask(url, UPGRADE)
  return new DerpClient(stream, key).login()
}

/** Connects without waiting for one. */
export async function dialFast(url: string, key?: KeyPair): Promise<DerpClient> {
  return new DerpClient(await send(url, [...UPGRADE, 'Derp-Fast-Start: 1']), key).login()
}

/** Connects over a WebSocket. */
export async function dialWebSocket(
  url: string,
  protocols: readonly string[] = ['derp'],
): Promise<DerpClient> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/derp`, [...protocols], {
    origin: 'https://elsewhere.example',
  })
  const client = new DerpClient(createWebSocketStream(socket))
  return client.login()
}
