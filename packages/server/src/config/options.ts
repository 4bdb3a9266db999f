import { type Alias, type AnyOption, type Option, option } from './option.ts'
import { aiGatewayAliases, aiOptions } from './options/ai.ts'
import { chatOptions } from './options/chats.ts'
import { identityOptions } from './options/identity.ts'
import { introspectionOptions } from './options/introspection.ts'
import { mcpServerOptions } from './options/mcp-server.ts'
import { networkingOptions } from './options/networking.ts'
import { emailAliases, notificationOptions } from './options/notifications.ts'
import { oauth2Options } from './options/oauth2.ts'
import { oidcOptions } from './options/oidc.ts'
import { oidcClaimOptions } from './options/oidc-claims.ts'
import { safetyOptions } from './options/safety.ts'
import { storageOptions } from './options/storage.ts'
import { tlsOptions } from './options/tls.ts'
import { workspaceOptions } from './options/workspaces.ts'
import { bool } from './value-type.ts'

/** The one table of options: parser, help, documentation and the deployment report derive from it (OP-1). */
export const options = {
  ...storageOptions,
  ...networkingOptions,
  ...tlsOptions,
  ...identityOptions,
  ...mcpServerOptions,
  ...oauth2Options,
  ...oidcOptions,
  ...oidcClaimOptions,
  ...workspaceOptions,
  ...introspectionOptions,
  ...notificationOptions,
  ...aiOptions,
  ...chatOptions,
  ...safetyOptions,
}

/** Former names (OP-5, OP-14). Where a source gives both names the present one wins. */
export const aliases: readonly Alias[] = [
  ...emailAliases,
  ...aiGatewayAliases,
  {
    of: 'telemetryEnable',
    option: option(bool, {
      name: 'Telemetry Enable (former name)',
      flag: 'telemetry-enable',
      env: 'CODER_TELEMETRY',
      hidden: true,
      help: options.telemetryEnable.help,
    }),
  },
  {
    of: 'tlsRedirectHttpToHttps',
    option: option(bool, {
      name: 'Redirect HTTP to HTTPS (former name)',
      env: 'CODER_TLS_REDIRECT_HTTP',
      hidden: true,
      help: options.tlsRedirectHttpToHttps.help,
    }),
  },
]

/** The options with their keys, in the order of the table. */
export const optionEntries: readonly (readonly [string, AnyOption])[] = Object.entries<AnyOption>(options)

type ValueOf<O> = O extends Option<infer T> ? T : never

/** The configuration: one field for each option; durations in milliseconds. */
export type Config = { readonly [K in keyof typeof options]: ValueOf<(typeof options)[K]> }

/** Where a value came from; empty when nobody gave one and there is no default (OP-1). */
export type ValueSource = 'flag' | 'env' | 'yaml' | 'default' | ''

/** A configuration with the source of each value, by key of the option. */
export interface Configuration {
  readonly config: Config
  readonly sources: ReadonlyMap<string, ValueSource>
}
