import { Duplex } from 'node:stream'

/** Two ends of a byte stream that cuts what goes through it at other places, as a network does. */
export function streamPair(cut: (length: number) => number = (length) => length): [Duplex, Duplex] {
  const make = (peer: () => Duplex): Duplex =>
    new Duplex({
      allowHalfOpen: true,
      read: () => undefined,
      write(chunk: Buffer, _encoding, done) {
        for (let at = 0; at < chunk.length; ) {
          const size = Math.max(1, Math.min(chunk.length - at, cut(chunk.length - at)))
          peer().push(chunk.subarray(at, at + size))
          at += size
        }
        setImmediate(done)
      },
      final(done) {
        peer().push(null)
        done()
      },
      destroy(error, done) {
        if (!peer().destroyed) setImmediate(() => peer().destroy())
        done(error)
      },
    })
  const a: Duplex = make(() => b)
  const b: Duplex = make(() => a)
  return [a, b]
}
