import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { unwatchFile, watchFile } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer, type Server, type ServerOptions } from 'node:https'
import { createSecureContext, type SecureContext, type SecureVersion, type TLSSocket } from 'node:tls'

import { describeError, type Logger } from '@slipway/request-log'
import type { Config } from '../config/index.ts'
import { type KeyPair, loadAuthorities, loadCertificates } from './certificates.ts'
import { openSslCiphers } from './cipher-names.ts'

/** How often certificate files are looked at, in milliseconds. */
const WATCH_MS = 5_000

const VERSIONS: Readonly<Record<Config['tlsMinVersion'], SecureVersion>> = {
  tls10: 'TLSv1',
  tls11: 'TLSv1.1',
  tls12: 'TLSv1.2',
  tls13: 'TLSv1.3',
}

/** Certificates as they are now, each with the names that it is for. */
interface Loaded {
  readonly pairs: readonly [KeyPair, ...KeyPair[]]
  readonly contexts: readonly { readonly certificate: X509Certificate; readonly context: SecureContext }[]
}

/** What a TLS listener is made of. */
export interface TlsListenerOptions {
  readonly config: Config
  readonly log: Logger
  readonly handle: RequestListener
  /** Lets the server answer upgrade requests too, before it listens. */
  readonly attach: (server: Server) => void
}

/**
 * Serves the same requests over TLS (OP-24 to OP-26). Certificates are chosen by the name that the client asks for, and
 * renewed files count for new connections without a restart.
 */
export class TlsListener implements AsyncDisposable {
  readonly #options: TlsListenerOptions
  readonly #authorities: string | undefined
  readonly server: Server
  #loaded: Loaded

  private constructor(options: TlsListenerOptions, loaded: Loaded, authorities: string | undefined) {
    this.#options = options
    this.#loaded = loaded
    this.#authorities = authorities
    const [first] = loaded.pairs
    this.server = createServer(
      {
        ...this.#base(),
        ...first,
        SNICallback: (name, done) => done(null, this.#contextFor(name)),
        keepAliveTimeout: 75_000,
        requestTimeout: 0,
        // As on the plain listener: who does not say in time what it wants holds no connection.
        headersTimeout: 60_000,
        connectionsCheckingInterval: 10_000,
      },
      options.handle,
    )
    this.server.on('secureConnection', (socket) => this.#requireCertificate(socket))
    options.attach(this.server)
    for (const file of this.#files) watchFile(file, { interval: WATCH_MS, persistent: false }, this.#reload)
  }

  /** @throws Error naming the setting that cannot be used. */
  static async start(options: TlsListenerOptions): Promise<TlsListener> {
    const { config } = options
    const { loaded, authorities } = await loadFiles(config)
    const listener = new TlsListener(options, loaded, authorities)
    const { host, port } = config.tlsAddress ?? { host: '127.0.0.1', port: 3443 }
    try {
      listener.server.listen(port, host)
      await once(listener.server, 'listening')
      return listener
    } catch (error) {
      listener.#unwatch()
      throw error
    }
  }

  /** URL that it listens on. */
  get url(): string {
    const at = this.server.address()
    if (at === null || typeof at === 'string') throw new Error('the TLS listener has no address')
    return `https://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`
  }

  get #files(): readonly string[] {
    return [...this.#options.config.tlsCertFile, ...this.#options.config.tlsKeyFile]
  }

  #base(): ServerOptions {
    const { config } = this.#options
    return {
      ...limits(config),
      ALPNProtocols: ['http/1.1'],
      requestCert: config.tlsClientAuth !== 'none',
      rejectUnauthorized: config.tlsClientAuth === 'require-and-verify',
      ...(this.#authorities === undefined ? {} : { ca: this.#authorities }),
    }
  }

  /** The first certificate stands in where none is for the name. */
  #contextFor(name: string): SecureContext | undefined {
    const { contexts } = this.#loaded
    return (contexts.find(({ certificate }) => certificate.checkHost(name) !== undefined) ?? contexts[0])
      ?.context
  }

  /** What the handshake by itself does not demand: any certificate, or a good one if there is one. */
  #requireCertificate(socket: TLSSocket): void {
    const mode = this.#options.config.tlsClientAuth
    if (mode !== 'require-any' && mode !== 'verify-if-given') return
    const given = socket.getPeerX509Certificate() !== undefined
    if (mode === 'require-any' ? !given : given && !socket.authorized) socket.destroy()
  }

  readonly #reload = (): void => {
    const { log } = this.#options
    this.reload().then(
      () => log.info('certificates were read again'),
      // A renewal may be seen half-way: the files are looked at again when they change again.
      (error: unknown) =>
        log.error('changed certificates cannot be used; the former ones stay', {
          error: describeError(error),
        }),
    )
  }

  /** Reads the certificates again, for new connections. @throws Error naming the file that cannot be used. */
  async reload(): Promise<void> {
    const { config } = this.#options
    if (this.#files.length === 0) return
    const pairs = await loadCertificates(config.tlsCertFile, config.tlsKeyFile)
    this.#loaded = load(config, pairs, this.#authorities)
    const [first] = pairs
    this.server.setSecureContext({
      ...limits(config),
      ...first,
      ...(this.#authorities === undefined ? {} : { ca: this.#authorities }),
    })
  }

  #unwatch(): void {
    for (const file of this.#files) unwatchFile(file, this.#reload)
  }

  /** Stops accepting; settles when the last connection has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#unwatch()
    const closed = once(this.server, 'close')
    this.server.close()
    this.server.closeIdleConnections()
    await closed
  }
}

/** Reads what the settings name, to see whether a listener could serve it (OP-B4). @throws Error naming what cannot be used. */
export async function checkCertificates(config: Config): Promise<void> {
  await loadFiles(config)
}

async function loadFiles(
  config: Config,
): Promise<{ readonly loaded: Loaded; readonly authorities: string | undefined }> {
  const authorities =
    config.tlsClientCaFile === ''
      ? undefined
      : await loadAuthorities('--tls-client-ca-file', config.tlsClientCaFile)
  const pairs = await loadCertificates(config.tlsCertFile, config.tlsKeyFile)
  return { loaded: load(config, pairs, authorities), authorities }
}

function limits(config: Config): Pick<ServerOptions, 'minVersion' | 'ciphers' | 'honorCipherOrder'> {
  return {
    minVersion: VERSIONS[config.tlsMinVersion],
    ...(config.tlsCiphers.length === 0
      ? {}
      : { ciphers: openSslCiphers(config.tlsCiphers), honorCipherOrder: true }),
  }
}

function load(
  config: Config,
  pairs: readonly [KeyPair, ...KeyPair[]],
  authorities: string | undefined,
): Loaded {
  const ca = authorities === undefined ? {} : { ca: authorities }
  return {
    pairs,
    contexts: pairs.map((pair) => ({
      certificate: new X509Certificate(pair.cert),
      context: createSecureContext({ ...limits(config), ...pair, ...ca }),
    })),
  }
}
