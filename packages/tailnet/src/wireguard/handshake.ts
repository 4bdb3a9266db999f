import { KEY_BYTES, KeyPair } from '../keys.ts'
import { INITIATION, MessageType, mac1Key, RESPONSE, signMac1 } from './messages.ts'
import { derive, HASH_BYTES, hash, openHandshake, sealHandshake } from './noise.ts'

// Noise_IKpsk2 as WireGuard's paper names it (section 5.4); the pre-shared key of a tailnet is zero.
const CHAINING_KEY = hash(Buffer.from('Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s'))
const TRANSCRIPT = hash(CHAINING_KEY, Buffer.from('WireGuard v1 zx2c4 Jason@zx2c4.com'))
const NO_PRE_SHARED_KEY = Buffer.alloc(HASH_BYTES)
const NOTHING = Buffer.alloc(0)

/** What both ends have after the first message. */
interface Halfway {
  readonly chainingKey: Buffer
  readonly transcript: Buffer
}

/** What the initiator keeps until the response comes. */
export interface Initiation extends Halfway {
  readonly ephemeral: KeyPair
  readonly index: number
}

/** What the responder learns from an initiation. */
export interface ReceivedInitiation extends Halfway {
  readonly ephemeral: Buffer
  /** Who begins: its static public key. */
  readonly peer: Buffer
  readonly index: number
  readonly timestamp: Buffer
}

/** The keys of a session and how the other end calls it. */
export interface SessionKeys {
  readonly send: Buffer
  readonly receive: Buffer
  readonly remoteIndex: number
}

/**
 * The first message, of the initiator.
 *
 * @param ephemeral given only by tests.
 * @returns undefined when the peer's key is none.
 */
export function initiate(
  keys: KeyPair,
  peer: Buffer,
  index: number,
  timestamp: Buffer,
  ephemeral = KeyPair.generate(),
): { message: Buffer; state: Initiation } | undefined {
  const toEphemeral = ephemeral.sharedSecret(peer)
  const toStatic = keys.sharedSecret(peer)
  if (toEphemeral === undefined || toStatic === undefined) return undefined
  const message = Buffer.alloc(INITIATION.length)
  message[0] = MessageType.initiation
  message.writeUInt32LE(index, INITIATION.sender)
  ephemeral.publicKey.copy(message, INITIATION.ephemeral)

  let transcript = hash(hash(TRANSCRIPT, peer), ephemeral.publicKey)
  let [chainingKey] = derive(CHAINING_KEY, ephemeral.publicKey)
  let key: Buffer
  ;[chainingKey, key] = derive(chainingKey, toEphemeral)
  const sealedStatic = sealHandshake(key, keys.publicKey, transcript)
  sealedStatic.copy(message, INITIATION.static)
  transcript = hash(transcript, sealedStatic)
  ;[chainingKey, key] = derive(chainingKey, toStatic)
  const sealedTime = sealHandshake(key, timestamp, transcript)
  sealedTime.copy(message, INITIATION.timestamp)
  transcript = hash(transcript, sealedTime)
  signMac1(message, INITIATION.mac1, mac1Key(peer))
  return { message, state: { chainingKey, transcript, ephemeral, index } }
}

/** Reads the first message as responder; undefined when it is not authentic. Its MAC was checked before. */
export function receiveInitiation(keys: KeyPair, message: Buffer): ReceivedInitiation | undefined {
  const ephemeral = Buffer.from(message.subarray(INITIATION.ephemeral, INITIATION.ephemeral + KEY_BYTES))
  const fromEphemeral = keys.sharedSecret(ephemeral)
  if (fromEphemeral === undefined) return undefined
  let transcript = hash(hash(TRANSCRIPT, keys.publicKey), ephemeral)
  let [chainingKey] = derive(CHAINING_KEY, ephemeral)
  let key: Buffer
  ;[chainingKey, key] = derive(chainingKey, fromEphemeral)
  const sealedStatic = message.subarray(INITIATION.static, INITIATION.timestamp)
  const peer = openHandshake(key, sealedStatic, transcript)
  if (peer === undefined) return undefined
  transcript = hash(transcript, sealedStatic)

  const fromStatic = keys.sharedSecret(peer)
  if (fromStatic === undefined) return undefined
  ;[chainingKey, key] = derive(chainingKey, fromStatic)
  const sealedTime = message.subarray(INITIATION.timestamp, INITIATION.mac1)
  const timestamp = openHandshake(key, sealedTime, transcript)
  if (timestamp === undefined) return undefined
  transcript = hash(transcript, sealedTime)
  const index = message.readUInt32LE(INITIATION.sender)
  return { chainingKey, transcript, ephemeral, peer, index, timestamp }
}

/** The second message, of the responder, and the keys that it gets from it. */
export function respond(
  initiation: ReceivedInitiation,
  index: number,
  ephemeral = KeyPair.generate(),
): { message: Buffer; keys: SessionKeys } | undefined {
  const toEphemeral = ephemeral.sharedSecret(initiation.ephemeral)
  const toStatic = ephemeral.sharedSecret(initiation.peer)
  if (toEphemeral === undefined || toStatic === undefined) return undefined
  const message = Buffer.alloc(RESPONSE.length)
  message[0] = MessageType.response
  message.writeUInt32LE(index, RESPONSE.sender)
  message.writeUInt32LE(initiation.index, RESPONSE.receiver)
  ephemeral.publicKey.copy(message, RESPONSE.ephemeral)
  const end = finish(initiation, ephemeral.publicKey, toEphemeral, toStatic)
  sealHandshake(end.key, NOTHING, end.transcript).copy(message, RESPONSE.empty)
  signMac1(message, RESPONSE.mac1, mac1Key(initiation.peer))
  const [receive, send] = derive(end.chainingKey, NOTHING)
  return { message, keys: { send, receive, remoteIndex: initiation.index } }
}

/** Reads the second message as initiator; undefined when it is not the answer to this initiation. */
export function receiveResponse(
  keys: KeyPair,
  initiation: Initiation,
  message: Buffer,
): SessionKeys | undefined {
  const ephemeral = message.subarray(RESPONSE.ephemeral, RESPONSE.ephemeral + KEY_BYTES)
  const fromEphemeral = initiation.ephemeral.sharedSecret(ephemeral)
  const fromStatic = keys.sharedSecret(ephemeral)
  if (fromEphemeral === undefined || fromStatic === undefined) return undefined
  const end = finish(initiation, ephemeral, fromEphemeral, fromStatic)
  const empty = message.subarray(RESPONSE.empty, RESPONSE.mac1)
  if (openHandshake(end.key, empty, end.transcript) === undefined) return undefined
  const [send, receive] = derive(end.chainingKey, NOTHING)
  return { send, receive, remoteIndex: message.readUInt32LE(RESPONSE.sender) }
}

/** What both ends mix in from the response. */
function finish(halfway: Halfway, ephemeral: Buffer, toEphemeral: Buffer, toStatic: Buffer) {
  let [chainingKey] = derive(halfway.chainingKey, ephemeral)
  ;[chainingKey] = derive(chainingKey, toEphemeral)
  ;[chainingKey] = derive(chainingKey, toStatic)
  const [next, mixed, key] = derive(chainingKey, NO_PRE_SHARED_KEY)
  return { chainingKey: next, key, transcript: hash(hash(halfway.transcript, ephemeral), mixed) }
}
