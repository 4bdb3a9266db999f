import type { LoginType } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'

/** The key that a request presented, validated. */
export interface ValidatedKey {
  readonly id: string
  readonly userId: string
  readonly loginType: LoginType
  /** Empty for sessions. */
  readonly tokenName: string
  readonly scopes: readonly string[]
  /** When it ends if nothing extends it. */
  readonly expiresAt: Date
  /** From when on, in Unix milliseconds, it must be asked anew whether it holds: it has ended, or what it stands on. */
  readonly holdsUntil: number
}

/** The user behind a validated key, as far as every request needs it. */
export interface KeyOwner {
  readonly id: string
  readonly username: string
  readonly email: string
  readonly status: 'active' | 'dormant' | 'suspended'
  readonly siteRoles: readonly string[]
  readonly isSystem: boolean
}

/**
 * Why a credential was refused; the challenge follows from it and never from a message (ID-72). `unproven` is a token
 * that is bound to a key and came without a proof, `not-bound` one that came with a proof and is not.
 */
export type RefusalReason =
  | 'no-credential'
  | 'invalid'
  | 'expired'
  | 'audience'
  | 'unproven'
  | 'not-bound'
  | 'proof'
  | 'nonce'
  | 'fault'

/**
 * Outcome of validating the key of a request (ID-61). `hard` failures are ours and are answered on every
 * route; soft ones make the caller anonymous where a route allows that.
 */
export type Precheck =
  | { readonly ok: true; readonly key: ValidatedKey; readonly owner: KeyOwner; readonly actor: Actor }
  | {
      readonly ok: false
      readonly status: 401 | 403 | 500
      readonly message: string
      readonly detail: string
      readonly reason: RefusalReason
      readonly hard: boolean
      readonly cause?: unknown
    }
