import type { AppContext } from '../context.ts'
import type { Dpop } from '../dpop/index.ts'
import type { OAuthClients } from '../oauth2-clients/index.ts'
import type { AccessTokens } from './access-tokens.ts'

/** What the authorization server is made of. */
export interface ProviderParts {
  readonly context: AppContext
  readonly clients: OAuthClients
  readonly dpop: Dpop
  readonly accessTokens: AccessTokens
  /** The keys of requests, which access tokens are among. */
  readonly keys: {
    /** Forgets what this replica knows of a user's keys, so that one that has ended is worth nothing at once. */
    drop(userId: string): void
    /** Forgets what this replica knows of anybody's keys. */
    dropAll(): void
  }
}

/** Forgets what this replica knows of anybody's tokens, of which those of a client have just ended. */
export function forgetAllTokens({ keys, accessTokens }: ProviderParts): void {
  keys.dropAll()
  accessTokens.dropAll()
}

/** Forgets what this replica knows of a user's tokens, of which some have just ended. */
export function forgetTokens({ keys, accessTokens }: ProviderParts, userId: string): void {
  keys.drop(userId)
  accessTokens.drop(userId)
}
