import { readFile } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import tls from 'node:tls'

import type { Fetch } from '@slipway/client'
import { CommandError } from './errors.ts'

/** Files in PEM form that a user names for TLS (OP-181). */
export interface TlsFiles {
  /** A further authority that servers may be certified by. */
  readonly ca?: string | undefined
  /** What this machine shows to a server that asks. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/**
 * How requests and WebSockets leave this machine: with the user's TLS files, and through the proxy that `HTTP_PROXY`,
 * `HTTPS_PROXY` and `NO_PROXY` name. This machine itself is never behind a proxy. (The platform's `fetch` takes no
 * certificates of a client, and takes longer to load than a short command to run.)
 */
export class Transport {
  readonly #direct: { readonly http: http.Agent; readonly https: https.Agent }
  readonly #proxied: { readonly http: http.Agent; readonly https: https.Agent }

  private constructor(options: https.AgentOptions) {
    const proxied = { ...options, proxyEnv: process.env }
    this.#direct = { http: new http.Agent(options), https: new https.Agent(options) }
    this.#proxied = { http: new http.Agent(proxied), https: new https.Agent(proxied) }
  }

  /** @throws CommandError for a file that cannot be used. */
  static async open(files: TlsFiles): Promise<Transport> {
    if ((files.cert === undefined) !== (files.key === undefined))
      throw new CommandError('--client-tls-cert-file and --client-tls-key-file belong together: give both')
    const [ca, cert, key] = [
      await pem(files.ca, '--client-tls-ca-file', 'CERTIFICATE'),
      await pem(files.cert, '--client-tls-cert-file', 'CERTIFICATE'),
      await pem(files.key, '--client-tls-key-file', 'PRIVATE KEY'),
    ]
    return new Transport({
      keepAlive: true,
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca: [...tls.getCACertificates('default'), ca] }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    })
  }

  /** The agent that connects to an address; WebSockets need it as requests do. */
  agentFor(address: string): http.Agent {
    const { protocol, hostname } = new URL(address)
    const agents = isLoopback(hostname) ? this.#direct : this.#proxied
    return protocol === 'https:' || protocol === 'wss:' ? agents.https : agents.http
  }

  /** `fetch` as far as the client needs it. It follows no redirection: another host must not be sent the session. */
  readonly fetch: Fetch = (url, { method, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const send = url.startsWith('https:') ? https.request : http.request
      const request = send(url, { method, headers, signal, agent: this.agentFor(url) }, (response) => {
        const status = response.statusCode ?? 0
        const place = response.headers.location
        if (status >= 300 && status < 400 && place !== undefined) {
          response.resume()
          reject(new Error(`it sends requests on to ${place}`))
          return
        }
        resolve({
          ok: status >= 200 && status < 300,
          status,
          headers: { get: (name) => firstOf(response.headers[name.toLowerCase()]) },
          text: () => textOf(response),
        })
      })
      request.on('error', reject)
      request.end(body)
    })
}

async function textOf(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

function firstOf(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname)
}

async function pem(file: string | undefined, flag: string, kind: string): Promise<string | undefined> {
  if (file === undefined) return undefined
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new CommandError(
      `${flag} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
  })
  if (!new RegExp(`-----BEGIN [A-Z ]*${kind}-----`).test(text))
    throw new CommandError(`${flag}: ${file} holds no ${kind.toLowerCase()} in PEM form`)
  return text
}
