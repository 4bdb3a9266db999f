import { Type } from 'typebox'
import { Check } from 'typebox/value'

import {
  type Box,
  boxBetween,
  FrameType,
  frame,
  KEY_BYTES,
  type KeyPair,
  MAGIC,
  PROTOCOL_VERSION,
} from '@slipway/tailnet/relay'
import type { FrameStream } from './frame-stream.ts'
import { type Frame, FrameError } from './frames.ts'
import type { Outbox } from './outbox.ts'

const ClientInfo = Type.Object({
  version: Type.Integer(),
  meshKey: Type.Optional(Type.String()),
})

/** Who a client is, proven by a box that only the owner of the key can have locked (AC-164). */
export interface Hello {
  readonly key: Buffer
  /** What replicas know each other by; empty for all others. */
  readonly meshKey: string
  readonly box: Box
}

/** First frame of a relay: its public key. */
export function serverKeyFrame(key: KeyPair): Buffer {
  return frame(FrameType.serverKey, MAGIC, key.publicKey)
}

/** Reads the first frame of a client. @throws FrameError. */
export function readHello(own: KeyPair, payload: Buffer): Hello {
  // Copied: it is kept for as long as the client stays, and the rest is not.
  const key = Buffer.from(payload.subarray(0, KEY_BYTES))
  const box = key.length === KEY_BYTES ? boxBetween(own, key) : undefined
  const text = box?.open(payload.subarray(KEY_BYTES))
  if (box === undefined || text === undefined) throw new FrameError('the key of the client is not proven')
  const info = parse(text.toString())
  if (!Check(ClientInfo, info)) throw new FrameError('what the client says of itself cannot be read')
  return { key, meshKey: info.meshKey ?? '', box }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Ends the login: the relay proves its key. */
export function serverInfoFrame(box: Box): Buffer {
  return frame(FrameType.serverInfo, box.seal(Buffer.from(JSON.stringify({ version: PROTOCOL_VERSION }))))
}

/**
 * Logs this replica in with the relay of another one (AC-169).
 *
 * @returns whether it is another: an address may lead back here.
 * @throws FrameError when it is no relay, or closes.
 */
export async function logInAsReplica(
  frames: FrameStream,
  outbox: Outbox,
  own: KeyPair,
  meshKey: string,
): Promise<boolean> {
  const { payload } = await nextOf(frames, FrameType.serverKey)
  const key = payload.subarray(MAGIC.length, MAGIC.length + KEY_BYTES)
  if (key.equals(own.publicKey)) return false
  const box = payload.subarray(0, MAGIC.length).equals(MAGIC) ? boxBetween(own, key) : undefined
  if (box === undefined) throw new FrameError('the other end is no relay')
  const info = Buffer.from(JSON.stringify({ version: PROTOCOL_VERSION, meshKey, CanAckPings: false }))
  outbox.send(frame(FrameType.clientInfo, own.publicKey, box.seal(info)))
  const answer = await nextOf(frames, FrameType.serverInfo)
  if (box.open(answer.payload) === undefined) throw new FrameError('the relay has not proven its key')
  return true
}

async function nextOf(frames: FrameStream, type: number): Promise<Frame> {
  let next = frames.next()
  while (next === undefined) {
    if ((await frames.more()) === 0) throw new FrameError('the relay closed the connection')
    next = frames.next()
  }
  if (next.type !== type) throw new FrameError(`the relay sent a frame of type ${next.type}`)
  return next
}
