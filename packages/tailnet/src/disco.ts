import { KEY_BYTES, type KeyPair } from './keys.ts'
import { open, seal } from './nacl-box.ts'

const MAGIC = Buffer.from('5453f09f92ac', 'hex')
const HEADER_BYTES = MAGIC.length + KEY_BYTES
const PING = 1
const PONG = 2
const TRANSACTION_BYTES = 12

// 127.3.3.40, which stands for "through a relay", as an IPv4 address inside IPv6; the port names the relay's region.
const RELAY_ADDRESS = Buffer.from('00000000000000000000ffff7f030328', 'hex')

/** Whether a packet belongs to the search for direct paths and not to WireGuard: its first six bytes say so (AC-151). */
export function isDisco(packet: Buffer): boolean {
  return packet.length >= MAGIC.length && packet.compare(MAGIC, 0, MAGIC.length, 0, MAGIC.length) === 0
}

/**
 * The answer to a ping that came through the relay, so that peers who look for a path by such pings find this one.
 * Whatever else is asked stays unanswered: this node has no direct paths to offer.
 *
 * @param region the number of the relay's region.
 */
export function discoAnswer(keys: KeyPair, packet: Buffer, region: number): Buffer | undefined {
  if (packet.length < HEADER_BYTES) return undefined
  const sender = packet.subarray(MAGIC.length, HEADER_BYTES)
  const message = open(keys, sender, packet.subarray(HEADER_BYTES))
  // Type, version (any: later ones only add to the end), transaction.
  if (message === undefined || message.length < 2 + TRANSACTION_BYTES || message[0] !== PING) return undefined
  const port = Buffer.alloc(2)
  port.writeUInt16BE(region)
  const transaction = message.subarray(2, 2 + TRANSACTION_BYTES)
  const pong = Buffer.concat([Buffer.from([PONG, 0]), transaction, RELAY_ADDRESS, port])
  return Buffer.concat([MAGIC, keys.publicKey, seal(keys, sender, pong)])
}
