import { randomInt } from 'node:crypto'
import type { Duplex } from 'node:stream'

import { addressKey, parseAddress } from '../addresses.ts'
import type { Clock } from '../clock.ts'
import { icmpAnswer, tsmpAnswer } from './echo.ts'
import { IPV6, Protocol, sourceOf } from './ipv6.ts'
import { Connection, type ConnectionHost } from './tcp/connection.ts'
import { ConnectionError } from './tcp/errors.ts'
import { Flag, type Flow, parseSegment, resetFor, type Segment } from './tcp/segment.ts'
import type { TcpStream } from './tcp/stream.ts'
import { TimeWait } from './tcp/time-wait.ts'

/** Takes a connection that a peer opened. */
export type ConnectionHandler = (
  stream: Duplex,
  from: { readonly port: number; readonly remoteAddress: string; readonly remotePort: number },
) => void

export interface IpStackOptions {
  readonly clock: Clock
  /** This node's addresses; the first is the one that it dials from. */
  readonly addresses: readonly [string, ...string[]]
  /** Carries a packet to whoever has its destination; it may get lost. */
  readonly send: (packet: Buffer) => void
}

/** How many connections there are at most at once. */
export const CONNECTIONS_LIMIT = 2_048

/** How many of them may be half open: begun by peers who have not answered yet. */
export const HALF_OPEN_LIMIT = 256

const EPHEMERAL_FROM = 49_152
const EPHEMERAL_TO = 65_536
const PORT_TRIES = 64

interface Listener {
  readonly handler: ConnectionHandler
  readonly accepts: (port: number) => boolean
}

interface Dial {
  readonly done: (stream: Duplex) => void
  readonly failed: (error: Error) => void
}

/** IPv6 in user space: TCP both ways, and the answers to echo requests. */
export class IpStack implements Disposable {
  readonly #options: IpStackOptions
  readonly #own = new Map<string, Buffer>()
  readonly #address: Buffer
  readonly #connections = new Map<string, Connection>()
  readonly #halfOpen = new Set<Connection>()
  readonly #dials = new Map<Connection, Dial>()
  readonly #timeWait: TimeWait
  readonly #host: ConnectionHost
  #listener: Listener | undefined

  constructor(options: IpStackOptions) {
    this.#options = options
    const [first, ...others] = options.addresses
    this.#address = parseAddress(first)
    for (const address of [this.#address, ...others.map((text) => parseAddress(text))])
      this.#own.set(addressKey(address), address)
    this.#timeWait = new TimeWait(options.clock)
    this.#host = {
      clock: options.clock,
      send: options.send,
      opened: (connection) => this.#opened(connection),
      closed: (connection, error) => this.#closed(connection, error),
    }
  }

  /** How many connections there are. */
  get connections(): number {
    return this.#connections.size
  }

  /** Hands connections of peers to a handler; those to other ports are reset, as all are while there is none. */
  listen(handler: ConnectionHandler, accepts: (port: number) => boolean = () => true): void {
    this.#listener = { handler, accepts }
  }

  /**
   * Opens a connection.
   *
   * @throws ConnectionError when the peer refuses, does not answer, or there are too many connections.
   */
  async dial(address: string, port: number): Promise<Duplex> {
    if (!Number.isInteger(port) || port < 1 || port > 0xffff)
      throw new RangeError(`${port} is no port: give one from 1 to 65535`)
    const flow = this.#newFlow(parseAddress(address), port)
    const { promise, resolve, reject } = Promise.withResolvers<Duplex>()
    const connection = new Connection(this.#host, flow)
    this.#dials.set(connection, { done: resolve, failed: reject })
    this.#connections.set(flowKey(flow), connection)
    connection.start()
    return promise
  }

  /** Ends the connections to an address that nobody has any more. The address is a key of maps. */
  abandon(address: string): void {
    const gone = new ConnectionError('ECONNRESET', 'the peer has left the tailnet')
    for (const connection of [...this.#connections.values()])
      if (addressKey(connection.flow.remote) === address) connection.abort(gone)
  }

  /** Takes a packet of a peer; whatever cannot be answered is dropped. */
  receive(packet: Buffer): void {
    const local = this.#own.get(addressKey(packet, IPV6.destination))
    if (local === undefined) return
    const protocol = packet[IPV6.nextHeader]
    if (protocol === Protocol.tcp) this.#receiveTcp(packet, local)
    else {
      const answer =
        protocol === Protocol.icmp
          ? icmpAnswer(packet)
          : protocol === Protocol.tsmp
            ? tsmpAnswer(packet)
            : undefined
      if (answer !== undefined) this.#options.send(answer)
    }
  }

  /** Ends every connection and tells the peers. */
  [Symbol.dispose](): void {
    const closing = new ConnectionError('ECONNABORTED', 'the node was closed')
    for (const connection of [...this.#connections.values()]) connection.abort(closing)
    this.#timeWait[Symbol.dispose]()
    this.#listener = undefined
  }

  #receiveTcp(packet: Buffer, local: Buffer): void {
    const segment = parseSegment(packet)
    if (segment === undefined) return
    const key = connectionKey(
      addressKey(packet, IPV6.source),
      addressKey(local),
      segment.sourcePort,
      segment.destinationPort,
    )
    const connection = this.#connections.get(key)
    if (connection !== undefined) {
      connection.receive(segment)
      return
    }
    const late = this.#timeWait.answer(key, segment)
    if (late === 'silence') return
    if (late !== undefined) {
      this.#options.send(late)
      return
    }
    if ((segment.flags & Flag.rst) !== 0) return
    const flow = {
      local,
      remote: sourceOf(packet),
      localPort: segment.destinationPort,
      remotePort: segment.sourcePort,
    }
    if ((segment.flags & (Flag.syn | Flag.ack)) === Flag.syn) this.#accept(key, flow, segment)
    else this.#options.send(resetFor(flow, segment))
  }

  #accept(key: string, flow: Flow, syn: Segment): void {
    if (this.#listener?.accepts(flow.localPort) !== true) {
      this.#options.send(resetFor(flow, syn))
      return
    }
    // No answer: the peer asks again, and there may be room by then.
    if (this.#connections.size >= CONNECTIONS_LIMIT || this.#halfOpen.size >= HALF_OPEN_LIMIT) return
    const connection = new Connection(this.#host, flow, syn)
    this.#connections.set(key, connection)
    this.#halfOpen.add(connection)
    connection.start()
  }

  #opened(connection: Connection): void {
    this.#halfOpen.delete(connection)
    const dial = this.#dials.get(connection)
    this.#dials.delete(connection)
    if (dial !== undefined) dial.done(connection.stream)
    else this.#handOver(connection.stream)
  }

  #handOver(stream: TcpStream): void {
    const { localPort: port, remoteAddress, remotePort } = stream
    if (this.#listener === undefined) stream.destroy()
    else this.#listener.handler(stream, { port, remoteAddress, remotePort })
  }

  #closed(connection: Connection, error: ConnectionError | undefined): void {
    const key = flowKey(connection.flow)
    this.#connections.delete(key)
    this.#halfOpen.delete(connection)
    if (connection.needsTimeWait) this.#timeWait.add(key, connection.flow, connection.lastNumbers)
    const dial = this.#dials.get(connection)
    this.#dials.delete(connection)
    dial?.failed(error ?? new ConnectionError('ECONNABORTED', 'the connection was closed before it opened'))
  }

  #newFlow(remote: Buffer, remotePort: number): Flow {
    if (this.#connections.size < CONNECTIONS_LIMIT)
      for (let i = 0; i < PORT_TRIES; i += 1) {
        const localPort = randomInt(EPHEMERAL_FROM, EPHEMERAL_TO)
        const flow = { local: this.#address, remote, localPort, remotePort }
        const key = flowKey(flow)
        if (!this.#connections.has(key) && !this.#timeWait.has(key)) return flow
      }
    throw new ConnectionError('EMFILE', 'this node has too many connections: close some first')
  }
}

function flowKey({ remote, local, remotePort, localPort }: Flow): string {
  return connectionKey(addressKey(remote), addressKey(local), remotePort, localPort)
}

function connectionKey(remote: string, local: string, remotePort: number, localPort: number): string {
  return `${remote}${local}${String.fromCharCode(remotePort, localPort)}`
}
