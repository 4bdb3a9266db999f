import { FrameType, frame } from '@slipway/tailnet/relay'
import { peerGone } from './frames.ts'
import type { Outbox } from './outbox.ts'

/** Clients of one replica that others are told of; more than that are not reached from elsewhere. */
const MAX_PEERS = 100_000

/** Tells another replica of the clients of this one as fast as it takes it; of each key the latest news is enough. */
export class Watcher {
  readonly #outbox: Outbox
  readonly #news = new Map<string, Buffer>()

  constructor(outbox: Outbox) {
    this.#outbox = outbox
    outbox.refill = () => this.#next()
  }

  /** A key has come, or has gone. */
  note(name: string, key: Buffer, isHere: boolean): void {
    this.#news.delete(name)
    this.#news.set(name, isHere ? frame(FrameType.peerPresent, key) : peerGone(key, 'disconnected'))
    this.#outbox.wake()
  }

  #next(): Buffer | undefined {
    for (const [name, news] of this.#news) {
      this.#news.delete(name)
      return news
    }
    return undefined
  }
}

/** Another replica, and what is sent to it. */
type Link = Pick<Outbox, 'send'>

/** Who is connected to other replicas, and to which of them. */
export class RemotePeers {
  readonly #peers = new Map<string, { readonly key: Buffer; readonly links: Set<Link> }>()

  /** A key is connected there. */
  add(name: string, key: Buffer, link: Link): void {
    const known = this.#peers.get(name)
    if (known !== undefined) {
      // The one that tells of it last is asked.
      known.links.delete(link)
      known.links.add(link)
    } else if (this.#peers.size < MAX_PEERS) this.#peers.set(name, { key, links: new Set([link]) })
  }

  /** A key is not connected there any more. @returns whether it is known nowhere else. */
  remove(name: string, link: Link): boolean {
    const known = this.#peers.get(name)
    if (known?.links.delete(link) !== true || known.links.size > 0) return false
    return this.#peers.delete(name)
  }

  /** Nothing is connected there any more. @returns the keys that are known nowhere else. */
  drop(link: Link): readonly (readonly [name: string, key: Buffer])[] {
    return [...this.#peers].flatMap(([name, { key }]) =>
      this.remove(name, link) ? [[name, key] as const] : [],
    )
  }

  has(name: string): boolean {
    return this.#peers.has(name)
  }

  /** The replica through which a key is reached. */
  find(name: string): Link | undefined {
    const links = this.#peers.get(name)?.links
    return links === undefined ? undefined : [...links].at(-1)
  }
}
