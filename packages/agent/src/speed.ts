import { randomBytes } from 'node:crypto'
import { Duplex } from 'node:stream'

/** Nothing is measured for longer. */
const LIMIT_MS = 40_000
/** Of no pattern, so that nothing on the way can make it smaller. */
const BLOCK = randomBytes(64 * 1024)

/**
 * The far end of a measurement of speed (AC-245, L-26), which ends by itself after 40 seconds.
 *
 * @param direction `down` sends as fast as it is taken, until the caller ends; `up` takes what comes and answers at its
 * end how many bytes it was.
 */
export function speedEnd(direction: 'down' | 'up'): Duplex {
  let taken = 0
  const stream = new Duplex({
    read() {
      if (direction === 'down') this.push(BLOCK)
    },
    write(chunk: Buffer, _encoding, done) {
      taken += chunk.length
      done()
    },
    final(done) {
      if (direction === 'up') this.push(String(taken))
      this.push(null)
      done()
    },
    destroy(error, done) {
      clearTimeout(late)
      done(error)
    },
  })
  const late = setTimeout(() => stream.destroy(), LIMIT_MS)
  return stream
}
