import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

import { generate } from 'selfsigned'

/** The fields of a message of protocol buffers, by their numbers: bytes, or numbers of varints and of fixed width. */
type Message = ReadonlyMap<number, readonly (Buffer | number)[]>

function decode(bytes: Buffer): Message {
  const fields = new Map<number, (Buffer | number)[]>()
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++] ?? 0
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const key = varint()
    let value: Buffer | number
    switch (key & 7) {
      case 0:
        value = varint()
        break
      case 1:
        value = Number(bytes.readBigUInt64LE(at))
        at += 8
        break
      case 2: {
        const length = varint()
        value = bytes.subarray(at, at + length)
        at += length
        break
      }
      default:
        value = bytes.readUInt32LE(at)
        at += 4
    }
    const number = Math.floor(key / 8)
    fields.set(number, [...(fields.get(number) ?? []), value])
  }
  return fields
}

const messages = (of: Message, field: number): Message[] =>
  (of.get(field) ?? []).flatMap((value) => (typeof value === 'number' ? [] : [decode(value)]))
const bytesOf = (of: Message, field: number): Buffer => {
  const value = of.get(field)?.[0]
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0)
}

/** A span as a collector gets it. */
export interface CollectedSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string
  readonly failed: boolean
  readonly attributes: Readonly<Record<string, unknown>>
  /** Of the resource. */
  readonly service: unknown
}

/** A collector of traces that speaks OTLP over TLS. */
export class TraceCollector implements AsyncDisposable {
  readonly url: string
  /** Its certificate, in PEM. */
  readonly certificate: string
  readonly spans: CollectedSpan[] = []
  readonly #close: () => Promise<void>

  private constructor(url: string, certificate: string, close: () => Promise<void>) {
    this.url = url
    this.certificate = certificate
    this.#close = close
  }

  static async start(): Promise<TraceCollector> {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    })
    const server = createServer({ key, cert })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const collector = new TraceCollector(`https://localhost:${port}`, cert, async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    })
    server.on('request', async (request, response) => {
      collector.#take(await buffer(request))
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    })
    return collector
  }

  /** By the numbers of opentelemetry/proto/trace/v1/trace.proto. */
  #take(body: Buffer): void {
    for (const ofResource of messages(decode(body), 1)) {
      const [resource] = messages(ofResource, 1)
      for (const span of messages(ofResource, 2).flatMap((scope) => messages(scope, 2)))
        this.spans.push({
          name: bytesOf(span, 5).toString(),
          traceId: bytesOf(span, 1).toString('hex'),
          spanId: bytesOf(span, 2).toString('hex'),
          parentId: bytesOf(span, 4).toString('hex'),
          failed: messages(span, 15)[0]?.get(3)?.[0] === 2,
          attributes: attributesOf(messages(span, 9)),
          service: resource === undefined ? undefined : attributesOf(messages(resource, 1))['service.name'],
        })
    }
  }

  /** The spans of this name. */
  named(name: string): readonly CollectedSpan[] {
    return this.spans.filter((span) => span.name === name)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close()
  }
}

function attributesOf(pairs: readonly Message[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [value] = messages(pair, 2)
      const flag = value?.get(2)?.[0]
      const text = value?.get(1)?.[0]
      return [
        bytesOf(pair, 1).toString(),
        text === undefined ? (flag === undefined ? value?.get(3)?.[0] : flag === 1) : text.toString(),
      ]
    }),
  )
}
