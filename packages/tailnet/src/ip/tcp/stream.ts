import { Duplex } from 'node:stream'

import { formatAddress } from '../../addresses.ts'
import type { ConnectionError } from './errors.ts'
import type { Flow } from './segment.ts'

/** What a stream asks of its connection. */
export interface StreamHost {
  /** Takes bytes; calls back when there is room for more. */
  write(bytes: Buffer, done: (error?: Error) => void): void
  /** The last bytes were written; calls back when the peer has acknowledged all of them. */
  end(done: (error?: Error) => void): void
  /** The reader wants more. */
  resume(): void
  /** Nobody holds the stream any more; with an error the peer is to know that something broke. */
  release(error: Error | null): void
}

/** A TCP connection as Node's streams: what is not read holds the peer back, and the peer holds back who writes. */
export class TcpStream extends Duplex {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly #host: StreamHost

  constructor(host: StreamHost, flow: Flow) {
    super({ allowHalfOpen: true })
    // A connection that fails while nobody looks at it must not end the process; who reads or writes hears of it.
    this.on('error', () => undefined)
    this.#host = host
    this.remoteAddress = formatAddress(flow.remote)
    this.remotePort = flow.remotePort
    this.localAddress = formatAddress(flow.local)
    this.localPort = flow.localPort
  }

  /** Ends both halves because the connection failed. */
  fail(error: ConnectionError): void {
    this.destroy(error)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#host.write(chunk, done)
  }

  override _final(done: (error?: Error) => void): void {
    this.#host.end(done)
  }

  override _read(): void {
    this.#host.resume()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#host.release(error)
    done(error)
  }
}
