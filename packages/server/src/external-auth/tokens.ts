import type { AppContext } from '../context.ts'
import type { TokenSet } from '../oauth-flow/index.ts'
import type { Provider } from './providers.ts'
import type { LinkKey, LinkRow, StoredTokens } from './store.ts'

/** What a provider gave to a user, in the clear. */
export interface LinkTokens {
  readonly accessToken: string
  readonly refreshToken: string | undefined
  /** Members of the provider's answer that are kept beside the token (`EXTRA_TOKEN_KEYS`). */
  readonly extra: Readonly<Record<string, unknown>>
}

/** What is kept of a provider's answer; one without a refresh token leaves the earlier one in use (ID-190). */
export function keptOf(provider: Provider, answer: TokenSet, earlier?: LinkTokens): LinkTokens {
  const extra = provider.extraTokenKeys.flatMap((key) =>
    Object.hasOwn(answer.raw, key) ? [[key, answer.raw[key]] as const] : [],
  )
  return {
    accessToken: answer.accessToken,
    refreshToken: answer.refreshToken ?? earlier?.refreshToken,
    extra: { ...earlier?.extra, ...Object.fromEntries(extra) },
  }
}

/** Tokens as they are stored: bound to their user and provider, so that they cannot be moved to others. */
export function sealTokens(
  { secrets, clock }: Pick<AppContext, 'secrets' | 'clock'>,
  of: LinkKey,
  tokens: LinkTokens,
  expiresAt: Date | undefined,
): StoredTokens {
  return {
    sealed: secrets.sealer.seal(Buffer.from(JSON.stringify(tokens)), purpose(of)),
    hasRefreshToken: tokens.refreshToken !== undefined,
    expiresAt,
    givenAt: clock.now(),
  }
}

/** What {@link sealTokens} was given. @throws Error when its key is not configured any more. */
export function openTokens({ secrets }: Pick<AppContext, 'secrets'>, row: LinkRow): LinkTokens {
  const value: unknown = JSON.parse(secrets.sealer.open(row.tokens, purpose(row)).toString())
  if (typeof value !== 'object' || value === null || !('accessToken' in value))
    throw new Error(`the stored tokens of ${row.provider_id} cannot be read`)
  const refreshToken = 'refreshToken' in value ? value.refreshToken : undefined
  const extra = 'extra' in value ? value.extra : undefined
  return {
    accessToken: String(value.accessToken),
    refreshToken: typeof refreshToken === 'string' ? refreshToken : undefined,
    extra: typeof extra === 'object' && extra !== null ? { ...extra } : {},
  }
}

function purpose({ user_id, provider_id }: LinkKey): string {
  return `external auth ${provider_id} of ${user_id}`
}
