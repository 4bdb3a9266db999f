import { KEY_BYTES } from '../keys.ts'
import { HASH_BYTES, hash, mac, TAG_BYTES } from './noise.ts'
import { TIMESTAMP_BYTES } from './tai64n.ts'

/** The four kinds of packets (the first byte; three reserved zeros follow). */
export const MessageType = { initiation: 1, response: 2, cookie: 3, transport: 4 } as const

const MAC_BYTES = 16
const LABEL_MAC1 = Buffer.from('mac1----')

// Where the fields begin.
export const INITIATION = {
  sender: 4,
  ephemeral: 8,
  static: 40,
  timestamp: 40 + KEY_BYTES + TAG_BYTES,
  mac1: 88 + TIMESTAMP_BYTES + TAG_BYTES,
  length: 116 + 2 * MAC_BYTES,
} as const

export const RESPONSE = {
  sender: 4,
  receiver: 8,
  ephemeral: 12,
  empty: 12 + KEY_BYTES,
  mac1: 44 + TAG_BYTES,
  length: 60 + 2 * MAC_BYTES,
} as const

export const TRANSPORT = { receiver: 4, counter: 8, payload: 16 } as const

/** The key of the first MAC of every handshake message to the owner of this public key. */
export function mac1Key(publicKey: Uint8Array): Buffer {
  return hash(LABEL_MAC1, publicKey).subarray(0, HASH_BYTES)
}

/** Writes the first MAC; the second one stays zero, because no cookie was ever taken. */
export function signMac1(message: Buffer, at: number, key: Uint8Array): void {
  message.set(mac(key, message.subarray(0, at)), at)
}

/** Whether the sender of a handshake message knows the public key that it is for. */
export function hasMac1(message: Buffer, at: number, key: Uint8Array): boolean {
  return message.compare(mac(key, message.subarray(0, at)), 0, MAC_BYTES, at, at + MAC_BYTES) === 0
}
