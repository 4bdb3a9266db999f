import type { Range } from './segment.ts'

interface Piece {
  readonly start: number
  readonly end: number
  readonly bytes: Buffer
}

const PIECES_LIMIT = 4096
const SACK_BLOCKS = 4

/** What arrived beyond a gap, by offset, without overlaps. */
export class Reassembly {
  readonly #pieces: Piece[] = []
  #newest = 0

  get isEmpty(): boolean {
    return this.#pieces.length === 0
  }

  /** Keeps bytes for later, unless they are here already or there are too many pieces: the peer sends them again. */
  add(start: number, bytes: Buffer): void {
    if (this.#pieces.length >= PIECES_LIMIT) return
    this.#newest = start
    let from = start
    let index = this.#firstEndingAfter(start)
    const end = start + bytes.length
    while (from < end) {
      const next = this.#pieces[index]
      if (next !== undefined && next.start <= from) {
        from = next.end
        index += 1
        continue
      }
      const to = Math.min(end, next?.start ?? end)
      this.#pieces.splice(index, 0, { start: from, end: to, bytes: bytes.subarray(from - start, to - start) })
      index += 1
      from = to
    }
  }

  /** Takes what follows an offset without a gap, piece by piece. */
  take(offset: number): Buffer | undefined {
    for (;;) {
      const [first] = this.#pieces
      if (first === undefined || first.start > offset) return undefined
      this.#pieces.shift()
      if (first.end > offset) return first.bytes.subarray(offset - first.start)
    }
  }

  /** The ranges that are here, the one with the newest bytes first (RFC 2018, section 4). */
  ranges(): Range[] {
    const ranges: [number, number][] = []
    for (const { start, end } of this.#pieces) {
      const last = ranges.at(-1)
      if (last !== undefined && last[1] === start) last[1] = end
      else ranges.push([start, end])
    }
    const newest = ranges.findIndex(([start, end]) => start <= this.#newest && this.#newest < end)
    if (newest > 0) ranges.unshift(...ranges.splice(newest, 1))
    return ranges.slice(0, SACK_BLOCKS)
  }

  #firstEndingAfter(offset: number): number {
    let low = 0
    let high = this.#pieces.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#pieces[middle]?.end ?? 0) > offset) high = middle
      else low = middle + 1
    }
    return low
  }
}
