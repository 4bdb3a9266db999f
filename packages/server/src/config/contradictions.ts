import type { Config, Configuration } from './options.ts'

type Rule = (config: Config) => string | false

const HOOK_TIMEOUT_MAX_MS = 5_000

const listeners: readonly Rule[] = [
  (c) =>
    c.httpAddress === undefined &&
    !c.tlsEnable &&
    '--http-address: is empty and --tls-enable is off, so nothing would listen; set one of them',
  (c) => c.tlsEnable && c.tlsAddress === undefined && '--tls-address: must be set when --tls-enable is on',
  (c) =>
    c.tlsCertFile.length !== c.tlsKeyFile.length &&
    `--tls-cert-file: names ${c.tlsCertFile.length} files but --tls-key-file names ${c.tlsKeyFile.length}; they go in pairs`,
  (c) =>
    (c.tlsClientCertFile === '') !== (c.tlsClientKeyFile === '') &&
    '--tls-client-cert-file: goes with --tls-client-key-file; set both or none',
  (c) =>
    c.tlsMinVersion === 'tls13' &&
    c.tlsCiphers.length > 0 &&
    '--tls-ciphers: has no meaning with --tls-min-version=tls13; leave one out',
  (c) =>
    c.derpConfigUrl !== '' &&
    c.derpConfigPath !== '' &&
    '--derp-config-url: cannot be combined with --derp-config-path',
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

const identity: readonly Rule[] = [
  (c) => c.sessionDuration <= 0 && '--session-duration: must be longer than 0',
  (c) =>
    c.defaultOAuthRefreshLifetime <= c.sessionDuration &&
    '--default-oauth-refresh-lifetime: must be longer than --session-duration',
  (c) => c.oidcClientId !== '' && c.oidcIssuerUrl === '' && '--oidc-client-id: needs --oidc-issuer-url',
  (c) =>
    (c.oidcClientKeyFile === '') !== (c.oidcClientCertFile === '') &&
    '--oidc-client-key-file: goes with --oidc-client-cert-file; set both or none',
  (c) =>
    c.oidcClientKeyFile !== '' &&
    c.oidcClientSecret !== '' &&
    '--oidc-client-key-file: cannot be combined with --oidc-client-secret',
  (c) =>
    c.oidcIgnoreUserinfo &&
    c.oidcAccessTokenClaims &&
    '--oidc-access-token-claims: cannot be combined with --oidc-ignore-userinfo',
  (c) =>
    c.githubClientId !== '' &&
    !c.githubAllowEveryone &&
    c.githubAllowedOrgs.length === 0 &&
    '--oauth2-github-client-id: needs --oauth2-github-allowed-orgs or --oauth2-github-allow-everyone',
  (c) =>
    c.githubAllowEveryone &&
    c.githubAllowedOrgs.length + c.githubAllowedTeams.length > 0 &&
    '--oauth2-github-allow-everyone: cannot be combined with allowed orgs or teams',
]

const delivery: readonly Rule[] = [
  (c) =>
    c.notificationsDispatchTimeout >= c.notificationsLeasePeriod &&
    '--notifications-dispatch-timeout: must be shorter than --notifications-lease-period',
  (c) =>
    c.emailAuthPassword !== '' &&
    c.emailAuthPasswordFile !== '' &&
    '--email-auth-password: cannot be combined with --email-auth-password-file',
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

/** Lines for settings that are accepted but do less than their reader may think (OP-21). */
export function remarks({ config, sources }: Configuration): readonly string[] {
  return sources.get('wgTunnelHost') === '' || config.wgTunnelHost === ''
    ? []
    : ['wg-tunnel-host has no effect: Slipway opens no tunnel of a third party; set --access-url']
}
