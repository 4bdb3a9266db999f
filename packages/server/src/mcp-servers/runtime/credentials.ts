import type { AppContext } from '../../context.ts'
import { openHeaders, openSecret } from '../sealed.ts'
import type { ConfigRow } from '../store/configs.ts'
import type { UsableTokens, UserTokenKeeper } from '../user-tokens.ts'
import { type Credentials, fixedCredentials } from './credentialed-fetch.ts'
import { McpServerError } from './errors.ts'

/** The access token that a user's identity provider gave at their sign-in; undefined for who has none (OA-104). */
export type IdentityToken = (userId: string) => Promise<string | undefined>

/** Where credentials come from. */
export interface CredentialSources {
  readonly context: AppContext
  readonly tokens: UserTokenKeeper
  readonly identityToken: IdentityToken
}

/**
 * What a server is told about a user, as its config says.
 *
 * @param userId undefined for nobody, as when a server is only looked at.
 * @throws Error when a stored secret cannot be opened.
 */
export function credentialsFor(
  sources: CredentialSources,
  config: ConfigRow,
  userId: string | undefined,
): Credentials {
  const { context } = sources
  switch (config.auth_type) {
    case 'none':
      return fixedCredentials({})
    case 'api_key':
      return fixedCredentials({
        [config.api_key_header]: bearerSpelling(
          config.api_key_header,
          openSecret(context, config, 'api_key_value') ?? '',
        ),
      })
    case 'custom_headers':
      return fixedCredentials(
        Object.fromEntries(
          Object.entries(openHeaders(context, config)).map(([name, value]) => [
            name,
            bearerSpelling(name, value),
          ]),
        ),
      )
    case 'user_oidc':
      return userId === undefined ? fixedCredentials({}) : ofIdentity(sources, userId)
    case 'oauth2':
      return userId === undefined ? fixedCredentials({}) : ofConnection(sources.tokens, config, userId)
  }
}

function ofIdentity({ identityToken }: CredentialSources, userId: string): Credentials {
  return {
    async headers() {
      const token = await identityToken(userId)
      return token === undefined ? {} : { Authorization: `Bearer ${token}` }
    },
    refused: async () => false,
  }
}

function ofConnection(tokens: UserTokenKeeper, config: ConfigRow, userId: string): Credentials {
  let last: UsableTokens | undefined
  let renewed = false
  return {
    async headers() {
      last = await tokens.usable(userId, config)
      if (last === undefined)
        throw new McpServerError('not_connected', 'the user has to connect to this server first')
      return { Authorization: `Bearer ${last.tokens.accessToken}` }
    },
    async refused(challenge) {
      if (last === undefined) return false
      if (challenge.error === 'insufficient_scope') {
        const again = await tokens.challenged(config, last, challenge.scope)
        throw new McpServerError(
          'insufficient_scope',
          again
            ? `the server asks for more than it was given${scopeText(challenge.scope)}: connect again`
            : `the server asks for more than it was given${scopeText(challenge.scope)}, although the user has connected again`,
        )
      }
      // A token may end before its time.
      if (renewed) return false
      renewed = true
      return (await tokens.renewed(config, last)) !== undefined
    },
  }
}

function scopeText(scope: string | undefined): string {
  return scope === undefined ? '' : ` (${scope.slice(0, 200)})`
}

/** The scheme in the spelling that every server knows (OA-114). */
function bearerSpelling(name: string, value: string): string {
  return name.toLowerCase() === 'authorization' ? value.replace(/^bearer\s+/i, 'Bearer ') : value
}
