import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

import { createWebSocketStream, WebSocketServer } from 'ws'

import { KEY_BYTES, KeyPair, keyText } from '../keys.ts'
import { NONCE_BYTES, open, seal } from '../nacl-box.ts'
import { FrameReader, FrameType, frame, MAGIC } from './frames.ts'

interface RelayOptions {
  /** Answers upgrades to DERP with this status, as a proxy in front might. */
  readonly refuseUpgrade?: number
}

/** A relay on a port of this machine: logins, packets, and what is told of both. */
export class DerpRelay implements AsyncDisposable {
  /** What clients said of themselves at their login. */
  readonly logins: { key: string; info: unknown; headers: IncomingMessage['headers']; websocket: boolean }[] =
    []
  /** Payloads of pongs, in hexadecimal digits. */
  readonly pongs: string[] = []
  packets = 0
  readonly #keys = KeyPair.generate()
  readonly #clients = new Map<string, Duplex>()
  readonly #streams = new Set<Duplex>()
  readonly #server = createServer((_request, response) => response.writeHead(426).end())
  readonly #websockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'derp' })

  private constructor({ refuseUpgrade }: RelayOptions) {
    this.#server.on('upgrade', (request, socket, head) => {
      if (request.headers.upgrade?.toLowerCase() === 'websocket')
        this.#websockets.handleUpgrade(request, socket, head, (ws) => {
          this.#serve(createWebSocketStream(ws), request, true)
        })
      else if (refuseUpgrade !== undefined)
        socket.end(`HTTP/1.1 ${refuseUpgrade} No\r\ncontent-length: 0\r\n\r\n`)
      else {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n')
        this.#serve(socket, request, false)
      }
    })
  }

  static async start(options: RelayOptions = {}): Promise<DerpRelay> {
    const relay = new DerpRelay(options)
    relay.#server.listen(0, '127.0.0.1')
    await once(relay.#server, 'listening')
    return relay
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get clients(): number {
    return this.#clients.size
  }

  /** Cuts off every client. */
  cut(): void {
    for (const stream of this.#streams) stream.destroy()
  }

  /** Sends a frame to every client. */
  tell(type: number, payload: Uint8Array): void {
    for (const stream of this.#clients.values()) stream.write(frame(type, payload))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    this.#websockets.close()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #serve(stream: Duplex, request: IncomingMessage, websocket: boolean): void {
    this.#streams.add(stream)
    let key: Buffer | undefined
    const reader = new FrameReader((type, payload) => {
      if (key !== undefined) {
        this.#take(key, type, payload)
        return
      }
      key = Buffer.from(payload.subarray(0, KEY_BYTES))
      const info = open(this.#keys, key, payload.subarray(KEY_BYTES))
      if (type !== FrameType.clientInfo || info === undefined || payload.length < KEY_BYTES + NONCE_BYTES) {
        stream.destroy()
        return
      }
      const text = keyText(key)
      this.logins.push({ key: text, info: JSON.parse(info.toString()), headers: request.headers, websocket })
      this.#clients.set(text, stream)
      stream.write(frame(FrameType.serverInfo, seal(this.#keys, key, Buffer.from('{"version":2}'))))
    })
    stream.on('data', (chunk: Buffer) => reader.push(chunk))
    stream.on('error', () => stream.destroy())
    stream.on('end', () => stream.end())
    stream.on('close', () => {
      this.#streams.delete(stream)
      const text = key === undefined ? '' : keyText(key)
      if (this.#clients.get(text) === stream) this.#clients.delete(text)
    })
    stream.write(frame(FrameType.serverKey, MAGIC, this.#keys.publicKey))
  }

  #take(source: Buffer, type: number, payload: Buffer): void {
    if (type === FrameType.pong) this.pongs.push(payload.toString('hex'))
    if (type !== FrameType.sendPacket) return
    this.packets += 1
    const client = this.#clients.get(keyText(payload.subarray(0, KEY_BYTES)))
    client?.write(frame(FrameType.receivePacket, source, payload.subarray(KEY_BYTES)))
  }
}
