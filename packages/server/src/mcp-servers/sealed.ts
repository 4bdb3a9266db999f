import type { AppContext } from '../context.ts'
import type { ConfigRow } from './store/configs.ts'
import type { StoredTokens, TokenKey, TokenRow } from './store/tokens.ts'

type Secrets = Pick<AppContext, 'secrets'>

/** Columns of a config that are sealed. */
type SecretColumn = 'oauth2_client_secret' | 'api_key_value' | 'custom_headers'

/** A secret of a config as it is stored: bound to its config and its column. */
export function sealSecret({ secrets }: Secrets, id: string, column: SecretColumn, value: string): Buffer {
  return secrets.sealer.seal(Buffer.from(value), purposeOf(id, column))
}

/** What {@link sealSecret} was given; undefined without one. @throws Error when its key is not configured any more. */
export function openSecret({ secrets }: Secrets, row: ConfigRow, column: SecretColumn): string | undefined {
  const sealed = row[column]
  return sealed === null ? undefined : secrets.sealer.open(sealed, purposeOf(row.id, column)).toString()
}

/** The stored headers of a config. @throws Error as {@link openSecret}. */
export function openHeaders(context: Secrets, row: ConfigRow): Record<string, string> {
  const stored: unknown = JSON.parse(openSecret(context, row, 'custom_headers') ?? '{}')
  if (typeof stored !== 'object' || stored === null) return {}
  return Object.fromEntries(Object.entries(stored).map(([name, value]) => [name, String(value)]))
}

function purposeOf(id: string, column: SecretColumn): string {
  return `${column} of mcp server ${id}`
}

/** What an authorization server gave to a user, in the clear. */
export interface UserTokens {
  readonly accessToken: string
  readonly refreshToken: string | undefined
}

/** Tokens as they are stored: bound to their config and user, so that they cannot be moved to others. */
export function sealTokens(
  { secrets }: Secrets,
  of: TokenKey,
  tokens: UserTokens & Pick<StoredTokens, 'destination' | 'expiresAt' | 'scope'>,
): StoredTokens {
  const { destination, accessToken, refreshToken, expiresAt, scope } = tokens
  return {
    destination,
    sealed: secrets.sealer.seal(Buffer.from(JSON.stringify({ accessToken, refreshToken })), tokenPurpose(of)),
    hasRefreshToken: refreshToken !== undefined,
    expiresAt,
    scope,
  }
}

/** What {@link sealTokens} was given; undefined when it was refused. @throws Error when its key is not configured any more. */
export function openTokens({ secrets }: Secrets, row: TokenRow): UserTokens | undefined {
  if (row.tokens === null) return undefined
  const value: unknown = JSON.parse(secrets.sealer.open(row.tokens, tokenPurpose(row)).toString())
  if (typeof value !== 'object' || value === null || !('accessToken' in value))
    throw new Error(`the stored tokens for ${row.config_id} cannot be read`)
  const refreshToken = 'refreshToken' in value ? value.refreshToken : undefined
  return {
    accessToken: String(value.accessToken),
    refreshToken: typeof refreshToken === 'string' ? refreshToken : undefined,
  }
}

function tokenPurpose({ config_id, user_id }: TokenKey): string {
  return `mcp server ${config_id} of ${user_id}`
}
