import { Counter, Gauge, type Registry } from 'prom-client'

/** Why a packet was lost: too many waited for a client, or it left, or nobody has the key. */
export type DropReason = 'queue_full' | 'gone' | 'unknown_destination'
/** Why a connection was ended from our side. */
export type CutReason = 'protocol' | 'login_timeout' | 'write_timeout' | 'unknown_key' | 'too_many'

/** What operators see of the relay (AC-312). */
export class RelayMetrics {
  /** Packets and bytes that were passed on: counted by hand, because each packet passes here. */
  packets = 0
  bytes = 0
  readonly #dropped: Counter<'reason'>
  readonly #cut: Counter<'reason'>

  constructor(registry: Registry, connections: () => number) {
    const registers = [registry]
    const total = (name: string, help: string, value: () => number): Counter =>
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset()
          this.inc(value())
        },
      })
    total('slipway_derp_packets_total', 'Packets that the relay has passed on.', () => this.packets)
    total('slipway_derp_bytes_total', 'Bytes of packets that the relay has passed on.', () => this.bytes)
    new Gauge({
      name: 'slipway_derp_connections',
      help: 'Clients that are connected to the relay.',
      registers,
      collect() {
        this.set(connections())
      },
    })
    this.#dropped = new Counter({
      name: 'slipway_derp_dropped_packets_total',
      help: 'Packets that the relay has lost, by the reason.',
      labelNames: ['reason'],
      registers,
    })
    this.#cut = new Counter({
      name: 'slipway_derp_cut_connections_total',
      help: 'Connections that the relay has ended, by the reason.',
      labelNames: ['reason'],
      registers,
    })
  }

  dropped(reason: DropReason, count = 1): void {
    this.#dropped.inc({ reason }, count)
  }

  cut(reason: CutReason): void {
    this.#cut.inc({ reason })
  }
}
