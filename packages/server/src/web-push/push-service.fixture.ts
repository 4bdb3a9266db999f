import {
  createDecipheriv,
  createECDH,
  createPublicKey,
  type ECDH,
  hkdfSync,
  randomBytes,
  verify,
} from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import tls from 'node:tls'

import { generate } from 'selfsigned'

import type { WebpushSubscription } from '@slipway/contract'

/** A message as a push service got it and as the browser reads it. */
export interface Received {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  /** Decrypted. */
  readonly message: unknown
  /** Claims of the token that the deployment has signed, and the key that it names. */
  readonly claims: Readonly<Record<string, unknown>>
  readonly publicKey: string
}

/**
 * A push service (RFC 8030) and the browsers behind it (RFC 8291, RFC 8292): it takes what is signed and can be
 * decrypted, and answers anything else with 400.
 */
export class PushService implements AsyncDisposable {
  readonly received: Received[] = []
  /** What it answers by path, instead of 201; a path without an entry is of a browser that is there. */
  readonly answers = new Map<string, number>()
  /** Paths that get no answer at all. */
  readonly silent = new Set<string>()
  /** Why it did not take what it got. */
  readonly faults: string[] = []
  readonly #browsers = new Map<string, { readonly pair: ECDH; readonly auth: Buffer }>()
  readonly #origin: () => string
  readonly #stack: AsyncDisposableStack

  private constructor(stack: AsyncDisposableStack, origin: () => string) {
    this.#stack = stack
    this.#origin = origin
  }

  static async start(): Promise<PushService> {
    await using steps = new AsyncDisposableStack()
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
      keySize: 2048,
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    })
    const trusted = tls.getCACertificates('default')
    tls.setDefaultCACertificates([...trusted, cert])
    steps.defer(() => tls.setDefaultCACertificates(trusted))
    const server = createServer({ key, cert })
    const service = new PushService(steps.move(), () => {
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('no port')
      return `https://localhost:${address.port}`
    })
    service.#stack.defer(() => {
      server.closeAllConnections()
      server.close()
    })
    server.on('request', (request, response) => {
      void service.#take(request).then((status) => {
        if (status === undefined) return
        response.writeHead(status)
        response.end()
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return service
  }

  get origin(): string {
    return this.#origin()
  }

  /** A browser that has subscribed under a path. */
  browser(path: string): WebpushSubscription {
    const pair = createECDH('prime256v1')
    const p256dh_key = pair.generateKeys('base64url', 'uncompressed')
    const auth = randomBytes(16)
    this.#browsers.set(path, { pair, auth })
    return { endpoint: `${this.origin}${path}`, p256dh_key, auth_key: auth.toString('base64url') }
  }

  /** What has come for a path. */
  of(path: string): Received[] {
    return this.received.filter((one) => one.path === path)
  }

  async #take(request: IncomingMessage): Promise<number | undefined> {
    const path = request.url ?? ''
    try {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(Buffer.from(chunk))
      const browser = this.#browsers.get(path)
      if (browser === undefined) throw new Error(`nobody is at ${path}`)
      const message: unknown = JSON.parse(decrypted(Buffer.concat(chunks), browser.pair, browser.auth))
      const { claims, publicKey } = vapid(request.headers.authorization ?? '')
      if (claims.aud !== this.origin) throw new Error(`a token for ${String(claims.aud)}`)
      this.received.push({ path, headers: request.headers, message, claims, publicKey })
    } catch (error) {
      this.faults.push(String(error))
      return 400
    }
    return this.silent.has(path) ? undefined : (this.answers.get(path) ?? 201)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

/** RFC 8291 section 3, RFC 8188 section 2: the text of a message of one record. */
function decrypted(body: Buffer, pair: ECDH, auth: Buffer): string {
  const salt = body.subarray(0, 16)
  const recordSize = body.readUInt32BE(16)
  const length = body[20] ?? 0
  const sender = body.subarray(21, 21 + length)
  const record = body.subarray(21 + length)
  if (record.length > recordSize || body.length > 4096) throw new Error('longer than push services take')
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), pair.getPublicKey(), sender])
  const derived = Buffer.from(hkdfSync('sha256', pair.computeSecret(sender), auth, info, 32))
  const key = Buffer.from(hkdfSync('sha256', derived, salt, 'Content-Encoding: aes128gcm\0', 16))
  const nonce = Buffer.from(hkdfSync('sha256', derived, salt, 'Content-Encoding: nonce\0', 12))
  const decipher = createDecipheriv('aes-128-gcm', key, nonce).setAuthTag(record.subarray(-16))
  const padded = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()])
  const end = padded.lastIndexOf(2)
  if (end < 0) throw new Error('not the last record')
  return padded.subarray(0, end).toString()
}

/** RFC 8292: what the token says, once its signature is verified. */
function vapid(authorization: string): Pick<Received, 'claims' | 'publicKey'> {
  const [, token = '', publicKey = ''] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(authorization) ?? []
  const [head = '', body = '', signature = ''] = token.split('.')
  const point = Buffer.from(publicKey, 'base64url')
  const key = createPublicKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    },
  })
  const signed = { key, dsaEncoding: 'ieee-p1363' as const }
  if (!verify('sha256', Buffer.from(`${head}.${body}`), signed, Buffer.from(signature, 'base64url')))
    throw new Error('the token is not signed by the key that it names')
  const read = (part: string): Record<string, unknown> =>
    JSON.parse(Buffer.from(part, 'base64url').toString())
  if (read(head).alg !== 'ES256') throw new Error('another algorithm')
  return { claims: read(body), publicKey }
}
