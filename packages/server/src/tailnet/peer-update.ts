import type { CoordinateResponse_PeerUpdate_Kind as Kind, Node } from '@slipway/drpc'

/** What a peer hears of another one. */
export interface PeerUpdate {
  /** 16 bytes. */
  readonly id: Uint8Array
  readonly kind: Kind
  readonly node?: Node
  readonly reason?: string
}

/** The bytes of a UUID. */
export function bytesOf(id: string): Uint8Array {
  return Buffer.from(id.replaceAll('-', ''), 'hex')
}

/** The UUID of 16 bytes; undefined for anything else. */
export function idOf(bytes: Uint8Array): string | undefined {
  if (bytes.length !== 16) return undefined
  const hex = Buffer.from(bytes).toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
