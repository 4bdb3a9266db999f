import { Type } from 'typebox'
import { Check } from 'typebox/value'

import type { Box, BoxKey } from './box.ts'
import { FRAME, FrameError, frame, KEY_BYTES, MAGIC, PROTOCOL_VERSION } from './frames.ts'

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
export function serverKeyFrame(key: BoxKey): Buffer {
  return frame(FRAME.serverKey, MAGIC, key.publicKey)
}

/** Reads the first frame of a client. @throws FrameError. */
export function readHello(own: BoxKey, payload: Buffer): Hello {
  // Copied: it is kept for as long as the client stays, and the rest is not.
  const key = Buffer.from(payload.subarray(0, KEY_BYTES))
  const box = key.length === KEY_BYTES ? own.with(key) : undefined
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
  return frame(FRAME.serverInfo, box.seal(Buffer.from(JSON.stringify({ version: PROTOCOL_VERSION }))))
}
