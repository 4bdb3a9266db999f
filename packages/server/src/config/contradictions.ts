import { type AnyOption, optionLabel } from './option.ts'
import { type Config, type Configuration, optionEntries } from './options.ts'
import { cipherFault } from './tls-ciphers.ts'
import { lacksEffect } from './without-effect.ts'

type Rule = (config: Config) => string | false

const HOOK_TIMEOUT_MAX_MS = 5_000

const listeners: readonly Rule[] = [
  (c) =>
    c.httpAddress === undefined &&
    !c.tlsEnable &&
    '--http-address: is empty and nothing else listens; give it an address such as 127.0.0.1:3000',
  (c) => c.tlsEnable && c.tlsAddress === undefined && '--tls-address: must be set when --tls-enable is on',
  (c) =>
    c.tlsCertFile.length !== c.tlsKeyFile.length &&
    `--tls-cert-file: names ${c.tlsCertFile.length} files but --tls-key-file names ${c.tlsKeyFile.length}; they go in pairs`,
  (c) =>
    (c.tlsClientCertFile === '') !== (c.tlsClientKeyFile === '') &&
    '--tls-client-cert-file: goes with --tls-client-key-file; set both or none',
  cipherFault,
  (c) =>
    c.derpConfigUrl !== '' &&
    c.derpConfigPath !== '' &&
    '--derp-config-url: cannot be combined with --derp-config-path; leave one out',
  (c) =>
    c.hostPrefixCookie &&
    !c.secureAuthCookie &&
    '--host-prefix-cookie: needs --secure-auth-cookie or an https access URL; browsers drop such cookies otherwise',
]

const storage: readonly Rule[] = [
  (c) =>
    c.postgresMaxIdle !== 'auto' &&
    Number(c.postgresMaxIdle) > c.postgresMaxOpen &&
    `--postgres-conn-max-idle: must be auto or at most --postgres-conn-max-open (${c.postgresMaxOpen})`,
  (c) =>
    c.postgresAuth === 'awsiamrds' &&
    c.postgresUrl === '' &&
    '--postgres-auth: awsiamrds needs --postgres-url',
]

/** As long as a client may take that goes on asking for an answer which it did not get (OA-B8). */
const MAX_REFRESH_GRACE_MS = 5 * 60_000

const identity: readonly Rule[] = [
  (c) => c.sessionDuration <= 0 && '--session-duration: must be longer than 0',
  (c) =>
    c.defaultOAuthRefreshLifetime <= c.sessionDuration &&
    '--default-oauth-refresh-lifetime: must be longer than --session-duration',
  (c) =>
    c.oauth2RefreshGrace > MAX_REFRESH_GRACE_MS &&
    '--oauth2-refresh-grace: must be 5m at most; reuse of stolen refresh tokens goes unnoticed for so long',
  (c) => c.oidcClientId !== '' && c.oidcIssuerUrl === '' && '--oidc-client-id: needs --oidc-issuer-url',
  (c) =>
    (c.oidcClientKeyFile === '') !== (c.oidcClientCertFile === '') &&
    '--oidc-client-key-file: goes with --oidc-client-cert-file; set both or none',
  (c) =>
    c.oidcClientKeyFile !== '' &&
    c.oidcClientSecret !== '' &&
    '--oidc-client-key-file: cannot be combined with --oidc-client-secret; leave one out',
  (c) =>
    c.oidcIgnoreUserinfo &&
    c.oidcAccessTokenClaims &&
    '--oidc-access-token-claims: cannot be combined with --oidc-ignore-userinfo; leave one out',
  (c) =>
    c.githubClientId !== '' &&
    !c.githubAllowEveryone &&
    c.githubAllowedOrgs.length === 0 &&
    '--oauth2-github-client-id: needs --oauth2-github-allowed-orgs or --oauth2-github-allow-everyone',
  (c) =>
    c.githubAllowEveryone &&
    c.githubAllowedOrgs.length + c.githubAllowedTeams.length > 0 &&
    '--oauth2-github-allow-everyone: cannot be combined with allowed orgs or teams; leave one out',
]

const delivery: readonly Rule[] = [
  (c) =>
    c.notificationsDispatchTimeout >= c.notificationsLeasePeriod &&
    '--notifications-dispatch-timeout: must be shorter than --notifications-lease-period',
  (c) =>
    c.emailAuthPassword !== '' &&
    c.emailAuthPasswordFile !== '' &&
    '--email-auth-password: cannot be combined with --email-auth-password-file; leave one out',
  (c) => c.telemetryEnable && c.telemetryUrl === '' && '--telemetry: needs --telemetry-url',
  (c) =>
    c.logHuman === '' &&
    c.logJson === '' &&
    c.logStackdriver === '' &&
    '--log-human: is empty and no other log is named; to log nothing write /dev/null',
]

const chats: readonly Rule[] = [
  (c) => c.chatHookTimeout > HOOK_TIMEOUT_MAX_MS && '--chat-hook-timeout: must be 5s at most',
  (c) => c.chatHookUrl !== '' && c.chatHookSecret === '' && '--chat-hook-url: needs --chat-hook-secret',
  (c) =>
    c.chatHookUrl.startsWith('http:') &&
    !c.chatHookAllowInsecure &&
    '--chat-hook-url: must be https, or --chat-hook-allow-insecure must be on',
  (c) =>
    c.chatHookUrl !== '' &&
    (new URL(c.chatHookUrl).hash !== '' || new URL(c.chatHookUrl).username !== '') &&
    '--chat-hook-url: must have neither a fragment nor a user name',
  (c) =>
    c.aiGatewayProxyEnabled &&
    (c.aiGatewayProxyCertFile === '' || c.aiGatewayProxyKeyFile === '') &&
    '--ai-gateway-proxy-enabled: needs --ai-gateway-proxy-cert-file and --ai-gateway-proxy-key-file',
  (c) =>
    (c.aiGatewayProxyTlsCertFile === '') !== (c.aiGatewayProxyTlsKeyFile === '') &&
    '--ai-gateway-proxy-tls-cert-file: goes with --ai-gateway-proxy-tls-key-file; set both or none',
]

const rules = [...listeners, ...storage, ...identity, ...delivery, ...chats]

/** One line for each pair of settings that exclude each other or make no sense together (OP-9, OP-24, OP-26). */
export function contradictions(config: Config): readonly string[] {
  return rules.map((rule) => rule(config)).filter((line) => line !== false)
}

/** Lines for settings that do less than their reader may think (OP-20, OP-21), one for each. */
export function remarks(configuration: Configuration): readonly string[] {
  const { config } = configuration
  const lines = optionEntries
    .filter(([key, option]) => lacksEffect(key, option) && isChosen(key, option, configuration))
    .map(([, option]) =>
      option.inert === undefined
        ? `${optionLabel(option)}: has no effect in this version`
        : `${optionLabel(option)}: has no effect: ${option.inert}`,
    )
  return [...lines, ...reach(config)]
}

/** A flag or a variable is a choice; a file may list every option, so there only other values than the default are. */
function isChosen(key: string, option: AnyOption, { config, sources }: Configuration): boolean {
  const source = sources.get(key) ?? ''
  if (source === 'flag' || source === 'env') return true
  if (source !== 'yaml') return false
  const value = new Map<string, unknown>(Object.entries(config)).get(key)
  const base = option.type.parse(option.default ?? '')
  return !base.ok || option.type.format(base.value) !== option.type.format(value)
}

function reach({ accessUrl }: Config): readonly string[] {
  if (accessUrl === '')
    return ['--access-url: is not set, so workspaces and people on other machines cannot connect']
  const host = new URL(accessUrl).hostname
  return /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host)
    ? [`--access-url: ${host} is this machine, so workspaces and people on other machines cannot connect`]
    : []
}
