import type { AppContext } from '../context.ts'
import type { TokenSet } from '../oauth-flow/index.ts'
import type { LinkedType, LinkRow } from './store/links.ts'

/** Whose tokens they are; sealed ones are bound to it, so that they cannot be moved to another account. */
interface TokenOwner {
  readonly userId: string
  readonly type: LinkedType
}

/** Tokens as they are stored. */
export function sealTokens(
  { secrets }: Pick<AppContext, 'secrets'>,
  owner: TokenOwner,
  tokens: Pick<TokenSet, 'accessToken' | 'refreshToken'>,
): { readonly accessToken: Buffer; readonly refreshToken: Buffer | undefined } {
  const seal = (token: string, kind: string): Buffer =>
    secrets.sealer.seal(Buffer.from(token), purpose(owner, kind))
  return {
    accessToken: seal(tokens.accessToken, 'access'),
    refreshToken: tokens.refreshToken === undefined ? undefined : seal(tokens.refreshToken, 'refresh'),
  }
}

/** The refresh token of a link; undefined when it has none. @throws Error when its key is not configured any more. */
export function openRefreshToken(
  { secrets }: Pick<AppContext, 'secrets'>,
  owner: TokenOwner,
  { oauth_refresh_token: sealed }: Pick<LinkRow, 'oauth_refresh_token'>,
): string | undefined {
  return sealed === null ? undefined : secrets.sealer.open(sealed, purpose(owner, 'refresh')).toString()
}

/** The access token of a link; undefined when it has none. @throws Error when its key is not configured any more. */
export function openAccessToken(
  { secrets }: Pick<AppContext, 'secrets'>,
  owner: TokenOwner,
  { oauth_access_token: sealed }: Pick<LinkRow, 'oauth_access_token'>,
): string | undefined {
  return sealed === null ? undefined : secrets.sealer.open(sealed, purpose(owner, 'access')).toString()
}

function purpose({ userId, type }: TokenOwner, kind: string): string {
  return `${kind} token of ${type} sign-in of ${userId}`
}
