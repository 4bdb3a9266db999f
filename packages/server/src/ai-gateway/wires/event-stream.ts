/** One message of the binary event streams of AWS. */
export interface EventMessage {
  /** Text headers, such as `:event-type`. */
  readonly headers: ReadonlyMap<string, string>
  readonly payload: Buffer
}

const PRELUDE = 12
const TRAILER = 4
/** Longest message that AWS sends. */
const MAX_MESSAGE = 16 * 1024 * 1024
const STRING = 7
/** Bytes of the values of header types whose length is fixed. */
const FIXED: Readonly<Record<number, number>> = { 0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16 }

/**
 * Takes the binary event streams of AWS apart as they pass by (application/vnd.amazon.eventstream). Checksums are not
 * looked at: the transport has its own.
 */
export class EventStreamReader {
  readonly #onMessage: (message: EventMessage) => void
  #pending = Buffer.alloc(0)
  #lost = false

  constructor(onMessage: (message: EventMessage) => void) {
    this.#onMessage = onMessage
  }

  /** Whether all that came was whole messages. */
  get isWhole(): boolean {
    return !this.#lost && this.#pending.length === 0
  }

  /** Whether something came that is no message: what follows it cannot be read. */
  get isLost(): boolean {
    return this.#lost
  }

  push(chunk: Uint8Array): void {
    if (this.#lost) return
    let bytes = this.#pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk])
    while (bytes.length >= PRELUDE) {
      const length = bytes.readUInt32BE(0)
      const headersEnd = PRELUDE + bytes.readUInt32BE(4)
      if (length > MAX_MESSAGE || headersEnd > length - TRAILER) {
        // Nothing tells where the next message begins.
        this.#lost = true
        this.#pending = Buffer.alloc(0)
        return
      }
      if (bytes.length < length) break
      this.#onMessage({
        headers: readHeaders(bytes.subarray(PRELUDE, headersEnd)),
        payload: bytes.subarray(headersEnd, length - TRAILER),
      })
      bytes = bytes.subarray(length)
    }
    this.#pending = bytes
  }
}

function readHeaders(bytes: Buffer): Map<string, string> {
  const headers = new Map<string, string>()
  for (let at = 0; at < bytes.length; ) {
    const nameLength = bytes.readUInt8(at)
    const typeAt = at + 1 + nameLength
    if (typeAt >= bytes.length) break
    const name = bytes.toString('utf8', at + 1, typeAt)
    const type = bytes.readUInt8(typeAt)
    const fixed = FIXED[type]
    if (fixed !== undefined) {
      at = typeAt + 1 + fixed
      continue
    }
    if (typeAt + 3 > bytes.length) break
    const end = typeAt + 3 + bytes.readUInt16BE(typeAt + 1)
    if (end > bytes.length) break
    if (type === STRING) headers.set(name, bytes.toString('utf8', typeAt + 3, end))
    at = end
  }
  return headers
}
