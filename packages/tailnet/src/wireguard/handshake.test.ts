import { readFileSync } from 'node:fs'

import { expect, it } from 'vitest'

import { KeyPair } from '../keys.ts'
import { initiate, receiveInitiation, receiveResponse, respond } from './handshake.ts'
import { INITIATION, RESPONSE } from './messages.ts'
import { Session } from './session.ts'
import { tai64n } from './tai64n.ts'

/** What wireguard-go said to fixed keys, once as responder and once as initiator. */
interface Transcript {
  staticKey: string
  ephemeralKey: string
  peerPublicKey: string
  initiator: Record<
    'timestamp' | 'initiation' | 'response' | 'echo' | 'sent' | 'packet' | 'payload',
    string
  > & {
    index: number
  }
  responder: Record<'initiation' | 'response' | 'packet' | 'payload', string> & { index: number }
}

const transcript: Transcript = JSON.parse(
  readFileSync(new URL('./handshake.fixture.json', import.meta.url), 'utf8'),
)
const bytes = (hex: string) => Buffer.from(hex, 'hex')
const keys = KeyPair.fromPrivate(bytes(transcript.staticKey))
const ephemeral = () => KeyPair.fromPrivate(bytes(transcript.ephemeralKey))
const peer = bytes(transcript.peerPublicKey)

it('AC-151: as initiator it says and understands what another implementation did', () => {
  const { index, timestamp, initiation, response, echo, sent, packet, payload } = transcript.initiator
  const begun = initiate(keys, peer, index, bytes(timestamp), ephemeral())
  expect(begun?.message.toString('hex')).toBe(initiation)
  const session = begun && receiveResponse(keys, begun.state, bytes(response))
  if (session === undefined) throw new Error('the response was refused')
  const open = new Session(session, index, true, 0)
  expect(open.seal(bytes(echo)).toString('hex')).toBe(sent)
  expect(open.open(bytes(packet))?.toString('hex')).toBe(payload)
})

it('AC-151: as responder it says and understands what another implementation did', () => {
  const { index, initiation, response, packet, payload } = transcript.responder
  const received = receiveInitiation(keys, bytes(initiation))
  expect(received?.peer).toEqual(peer)
  const answer = received && respond(received, index, ephemeral())
  if (answer === undefined) throw new Error('the initiation was refused')
  expect(answer.message.toString('hex')).toBe(response)
  expect(new Session(answer.keys, index, false, 0).open(bytes(packet))?.toString('hex')).toBe(payload)
})

it('AC-151: no byte of a handshake may change that is not covered by its MAC alone', () => {
  const responder = KeyPair.generate()
  const begun = initiate(keys, responder.publicKey, 1, tai64n(0))
  if (begun === undefined) throw new Error('no initiation')
  for (let at = INITIATION.ephemeral; at < INITIATION.mac1; at += 1) {
    const changed = Buffer.from(begun.message)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(receiveInitiation(responder, changed), `byte ${at} of the initiation`).toBeUndefined()
  }
  const received = receiveInitiation(responder, begun.message)
  const answer = received && respond(received, 2)
  if (answer === undefined) throw new Error('no response')
  for (let at = RESPONSE.ephemeral; at < RESPONSE.mac1; at += 1) {
    const changed = Buffer.from(answer.message)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(receiveResponse(keys, begun.state, changed), `byte ${at} of the response`).toBeUndefined()
  }
  expect(receiveResponse(keys, begun.state, answer.message)?.send).toEqual(answer.keys.receive)
})

it('AC-151: a handshake for another key, with another key or with a key of zeros is refused', () => {
  const responder = KeyPair.generate()
  const begun = initiate(keys, responder.publicKey, 1, tai64n(0))
  if (begun === undefined) throw new Error('no initiation')
  expect(receiveInitiation(KeyPair.generate(), begun.message)).toBeUndefined()
  const received = receiveInitiation(responder, begun.message)
  const answer = received && respond(received, 2)
  if (answer === undefined) throw new Error('no response')
  expect(receiveResponse(KeyPair.generate(), begun.state, answer.message)).toBeUndefined()
  expect(initiate(keys, Buffer.alloc(32), 1, tai64n(0))).toBeUndefined()
  const zeros = Buffer.from(begun.message).fill(0, INITIATION.ephemeral, INITIATION.static)
  expect(receiveInitiation(responder, zeros)).toBeUndefined()
})

it('AC-151: timestamps count seconds and nanoseconds since 1970 as TAI64N and are coarse', () => {
  expect(tai64n(0).toString('hex')).toBe('400000000000000a00000000')
  expect(tai64n(1_999).subarray(0, 8)).toEqual(tai64n(1_008).subarray(0, 8))
  expect(tai64n(16).compare(tai64n(15))).toBe(1)
  expect(tai64n(17)).toEqual(tai64n(16))
  expect(tai64n(2_000).compare(tai64n(1_999))).toBe(1)
})
