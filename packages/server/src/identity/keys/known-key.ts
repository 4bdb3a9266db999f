import type { Precheck } from '../../edge/index.ts'
import { endOfUpstream } from '../sessions/upstream-session.ts'
import type { KeyWithStanding } from '../store/kept-keys.ts'
import { endOfKey, restsUntil, type SessionRules } from './key-lifetime.ts'
import type { OAuthToken } from './oauth-tokens.ts'
import type { Subject } from './shared-subjects.ts'

type Accepted = Extract<Precheck, { ok: true }>

/** What follows from the row of a key whose secret was shown. */
export interface Known {
  readonly secret: string
  readonly outcome: Accepted
  /** What holds for the token of an OAuth2 app and no other. */
  readonly oauth: OAuthToken | undefined
  /** Unix milliseconds until which the key holds and nothing of a use is due to be written: judged on every request. */
  readonly holdsUntil: number
  /** Whether somebody has asked since the row was last compared with the database. */
  asked: boolean
}

/** A row in memory, with what follows from it once its secret was shown; that is lost with the row. */
export interface KeptKey extends KeyWithStanding {
  known: Known | undefined
}

/** When a key ends, or before that the session at the login provider that it comes from, in Unix milliseconds. */
export function endOfRow({ key, upstream }: KeyWithStanding, lifetimes: SessionRules): number {
  const end = endOfKey(key, lifetimes)
  return upstream === undefined ? end : Math.min(end, endOfUpstream(upstream))
}

/** What follows from a row, for the secret that its digest was compared with. */
export function knownOf(
  row: KeyWithStanding,
  secret: string,
  parts: {
    readonly subject: Subject
    readonly oauth: OAuthToken | undefined
    readonly lifetimes: SessionRules
  },
): Known {
  const { key } = row
  const { subject, oauth, lifetimes } = parts
  const holdsUntil = endOfRow(row, lifetimes)
  return {
    secret,
    outcome: {
      ok: true,
      key: {
        id: key.id,
        userId: key.user_id,
        loginType: key.login_type,
        tokenName: key.token_name,
        scopes: key.scopes,
        expiresAt: new Date(endOfKey(key, lifetimes)),
        holdsUntil,
      },
      owner: subject.owner,
      actor: subject.actor,
    },
    oauth,
    // Whole milliseconds: at its end a key has ended.
    holdsUntil: Math.min(holdsUntil - 1, restsUntil(key, lifetimes)),
    asked: true,
  }
}
