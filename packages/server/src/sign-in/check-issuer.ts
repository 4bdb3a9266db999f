import type { Config } from '../config/index.ts'
import { type IssuerContext, OidcIssuer } from './oidc-issuer.ts'
import { settingsProviders } from './settings-providers.ts'

/**
 * Reads the discovery document of the provider of the settings, to see whether people could sign in (OP-B4).
 *
 * @returns its issuer; undefined when there is no such provider.
 * @throws Error saying why it cannot be used.
 */
export async function checkIssuer(
  config: Config,
  context: IssuerContext,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const provider of settingsProviders(config)) {
    if (provider.kind !== 'oidc') continue
    try {
      await new OidcIssuer(context, provider, signal).metadata()
    } catch (error) {
      // What an answer says is for those who sign in; the operator needs the reason.
      throw error instanceof Error && error.cause !== undefined ? error.cause : error
    }
    return provider.issuerUrl
  }
  return undefined
}
