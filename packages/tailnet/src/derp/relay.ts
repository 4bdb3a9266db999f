import type { KeyPair } from '../keys.ts'

/** Carries packets between nodes that know each other's public keys. Packets may get lost. */
export interface Relay extends Disposable {
  /** Sends a packet; its bytes are copied or sent before they may change. */
  send(peerKey: Buffer, packet: Buffer): void
}

/** What a node gives to its relay. */
export interface RelayUser {
  readonly keys: KeyPair
  /** Takes a packet; its bytes and those of the key are only valid during the call. */
  readonly receive: (peerKey: Buffer, packet: Buffer) => void
}

/** Joins a relay, for instance one in the same process. */
export type JoinRelay = (user: RelayUser) => Relay
