import type { Config } from '../../config/index.ts'
import type { ApiKeyRow } from '../store/keys.ts'

const HOUR_MS = 3_600_000
/** A use is noted at least this often within the idle time, so that its end is never off by more. */
const NOTES_PER_IDLE_TIME = 10

/** Settings of sessions, in milliseconds; 0 switches a bound off (ID-44, ID-211). */
export type SessionRules = Pick<
  Config,
  'disableSessionExpiryRefresh' | 'sessionMaxLifetime' | 'sessionIdleTimeout'
>

type Lived = Pick<ApiKeyRow, 'created_at' | 'expires_at' | 'last_used' | 'lifetime_seconds' | 'login_type'>

/** Whether a key is a session, which activity extends, and not a token of a fixed life (ID §3.2). */
function isSession({ login_type: type }: Lived): boolean {
  return type !== 'token' && type !== 'oauth2_provider_app'
}

/** When a key ends, in Unix milliseconds: its expiry, for sessions also the deployment's bounds (ID-211). */
export function endOfKey(key: Lived, rules: SessionRules): number {
  const expiry = key.expires_at.getTime()
  const { sessionMaxLifetime: max, sessionIdleTimeout: idle } = rules
  if ((max <= 0 && idle <= 0) || !isSession(key)) return expiry
  const lastUse = Math.max(key.last_used.getTime(), key.created_at.getTime())
  return Math.min(expiry, capOf(key, max), idle <= 0 ? Number.POSITIVE_INFINITY : lastUse + idle)
}

function capOf({ created_at }: Lived, max: number): number {
  return max <= 0 ? Number.POSITIVE_INFINITY : created_at.getTime() + max
}

/** The last Unix millisecond until which nothing of a use is due to be written, see {@link dueTouch}. */
export function restsUntil(key: Lived, rules: SessionRules): number {
  const idle = isSession(key) ? rules.sessionIdleTimeout : 0
  const every = idle <= 0 ? HOUR_MS : Math.min(HOUR_MS, idle / NOTES_PER_IDLE_TIME)
  return Math.min(key.last_used.getTime() + every, slidesFrom(key, rules) - 1)
}

/** From when on a use extends a session by an hour at least. */
function slidesFrom(key: Lived, rules: SessionRules): number {
  const soonest = key.expires_at.getTime() + HOUR_MS
  const slides =
    isSession(key) && !rules.disableSessionExpiryRefresh && capOf(key, rules.sessionMaxLifetime) >= soonest
  return slides ? soonest - key.lifetime_seconds * 1000 : Number.POSITIVE_INFINITY
}

/**
 * What is due to be written of a use: at most once an hour and nothing for a hot session (ID-43…ID-45), or as often as
 * an idle timeout needs. Sessions slide by an hour at least, and never beyond their maximum lifetime.
 */
export function dueTouch(
  key: Lived,
  rules: SessionRules,
  now: Date,
): { readonly expiresAt: Date | undefined } | undefined {
  const at = now.getTime()
  if (at >= slidesFrom(key, rules))
    return {
      expiresAt: new Date(Math.min(at + key.lifetime_seconds * 1000, capOf(key, rules.sessionMaxLifetime))),
    }
  return at <= restsUntil(key, rules) ? undefined : { expiresAt: undefined }
}
