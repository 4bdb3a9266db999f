import { createHash, randomBytes } from 'node:crypto'

import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'

import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { spendChallenge } from './store/proofs.ts'

const LIFETIME_MS = 5 * 60_000
const PURPOSE = 'second factor challenge'

const guard = systemActor('account_security', 'a challenge is used up for whoever answers it')

/** What a challenge is for; one cannot be used for another thing. */
export type ChallengeKind =
  | 'sign in'
  | 'enrol at sign in'
  | 'confirm at sign in'
  | 'passkey sign in'
  | 'new totp'
  | 'new passkey'
  | 'step up'

const Sealed = Type.Object({
  kind: Type.String(),
  /** Makes each one different. */
  nonce: Type.String(),
  expiresAt: Type.Integer(),
  userId: Type.Optional(Type.String()),
  /** The session that it was given to. */
  keyId: Type.Optional(Type.String()),
  /** Challenge of WebAuthn, in base64url. */
  webauthn: Type.Optional(Type.String()),
  /** Base32 secret of an authenticator app that is not stored yet. */
  secret: Type.Optional(Type.String()),
  /** Digest of the password hash that it stands on: it ends with that password. */
  password: Type.Optional(Type.String()),
})
const sealedCheck = Compile(Sealed)

/** What a step that is under way has to remember. */
export type Challenge = Omit<Static<typeof Sealed>, 'kind' | 'nonce' | 'expiresAt'>

/** A challenge as it was opened again. */
export interface OpenedChallenge extends Challenge {
  readonly expiresAt: number
  /** Names it among those that were used. */
  readonly digest: Buffer
}

/** A challenge that was just made. */
export interface IssuedChallenge {
  readonly challenge_id: string
  readonly expires_at: string
}

/**
 * Makes the id of a step that is under way. All of the step is in it, sealed, so that what anybody may begin needs no
 * place on the server; only what was used is kept until it would have ended.
 */
export function issueChallenge(
  context: AppContext,
  kind: ChallengeKind,
  challenge: Challenge,
): IssuedChallenge {
  const expiresAt = context.clock.now().getTime() + LIFETIME_MS
  const nonce = randomBytes(16).toString('base64url')
  const plain = JSON.stringify({ ...challenge, kind, nonce, expiresAt })
  return {
    challenge_id: context.secrets.sealer.seal(Buffer.from(plain), PURPOSE).toString('base64url'),
    expires_at: new Date(expiresAt).toISOString(),
  }
}

/** Opens the id of a challenge; undefined when it is none of this kind or its time is over. */
export function openChallenge(
  context: AppContext,
  kind: ChallengeKind,
  id: string,
): OpenedChallenge | undefined {
  const sealed = Buffer.from(id, 'base64url')
  let opened: unknown
  try {
    opened = JSON.parse(context.secrets.sealer.open(sealed, PURPOSE).toString())
  } catch {
    // What was not sealed here is nobody's challenge, however it came about.
    return undefined
  }
  if (!sealedCheck.Check(opened) || opened.kind !== kind) return undefined
  if (opened.expiresAt <= context.clock.now().getTime()) return undefined
  return { ...opened, digest: createHash('sha256').update(sealed).digest() }
}

/** Uses a challenge up; whether nobody has before. */
export function spend(context: AppContext, challenge: OpenedChallenge): Promise<boolean> {
  return spendChallenge(guard, context.database.db, challenge.digest, new Date(challenge.expiresAt))
}
