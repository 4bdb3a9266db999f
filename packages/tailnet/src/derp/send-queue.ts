import { FrameType } from './frames.ts'

const HEADER_BYTES = 5
const KEY_BYTES = 32
const WRITE_BYTES = 256 * 1024

interface Outgoing {
  readonly peerKey: Buffer
  readonly packet: Buffer
}

/** How much waits at most: while the relay is slow, and while there is none. */
export const QUEUE_LIMIT = { bytes: 4 * 1024 * 1024, packetsWithoutRelay: 128 } as const

/** Packets that wait for the relay. When there are too many, the oldest ones are lost. */
export class SendQueue {
  #items: Outgoing[] = []
  #head = 0
  #bytes = 0

  get isEmpty(): boolean {
    return this.#head === this.#items.length
  }

  add(peerKey: Buffer, packet: Buffer, hasRelay: boolean): void {
    this.#items.push({ peerKey, packet })
    this.#bytes += packet.length
    while (
      this.#bytes > QUEUE_LIMIT.bytes ||
      (!hasRelay && this.#items.length - this.#head > QUEUE_LIMIT.packetsWithoutRelay)
    )
      this.#shift()
  }

  /** Takes as many frames as make a good write. */
  take(): Buffer {
    let count = 0
    let length = 0
    for (; length < WRITE_BYTES; count += 1) {
      const item = this.#items[this.#head + count]
      if (item === undefined) break
      length += HEADER_BYTES + KEY_BYTES + item.packet.length
    }
    const bytes = Buffer.allocUnsafe(length)
    let at = 0
    for (let i = 0; i < count; i += 1) {
      const item = this.#shift()
      if (item === undefined) break
      const payload = KEY_BYTES + item.packet.length
      bytes[at] = FrameType.sendPacket
      bytes.writeUInt32BE(payload, at + 1)
      item.peerKey.copy(bytes, at + HEADER_BYTES)
      item.packet.copy(bytes, at + HEADER_BYTES + KEY_BYTES)
      at += HEADER_BYTES + payload
    }
    return bytes
  }

  #shift(): Outgoing | undefined {
    const item = this.#items[this.#head]
    if (item === undefined) return undefined
    this.#head += 1
    this.#bytes -= item.packet.length
    if (this.#head === this.#items.length) {
      this.#items = []
      this.#head = 0
    } else if (this.#head >= 4096) {
      this.#items.splice(0, this.#head)
      this.#head = 0
    }
    return item
  }
}
