/** Bytes of a timestamp. */
export const TIMESTAMP_BYTES = 12

// TAI64 counts from 2^62 + 10 s for the second in which 1970 began.
const EPOCH = (1n << 62n) + 10n

// What is sent says no more of this machine's clock than a replay check needs: about 16 ms (2^24 ns).
const COARSE_MS = 16

/** The moment as TAI64N, which a peer compares with the last one to refuse handshakes that are played again. */
export function tai64n(wallClockMs: number): Buffer {
  const coarse = Math.floor(wallClockMs / COARSE_MS) * COARSE_MS
  const bytes = Buffer.alloc(TIMESTAMP_BYTES)
  bytes.writeBigUInt64BE(EPOCH + BigInt(Math.floor(coarse / 1000)))
  bytes.writeUInt32BE((coarse % 1000) * 1_000_000, 8)
  return bytes
}
