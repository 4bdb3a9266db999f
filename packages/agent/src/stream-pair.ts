import { type Duplex, duplexPair } from 'node:stream'

/**
 * Two ends of one byte stream. Neither outlives the other: Node only ends the reading half when the other end is
 * destroyed, and whoever still writes would wait for ever.
 */
export function streamPair(): [Duplex, Duplex] {
  const [near, far] = duplexPair({ allowHalfOpen: false })
  near.on('close', () => far.destroy())
  far.on('close', () => near.destroy())
  return [near, far]
}
