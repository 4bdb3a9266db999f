/** Kind of an option's value. */
export type OptionType = 'string' | 'secret' | 'bool' | 'int' | 'duration' | 'list' | 'address'

/** One option: the parser, the help text and the docs all derive from this (OP-1, OP-3). */
export interface Option {
  readonly flag: string
  readonly env: string
  readonly yaml?: string
  readonly type: OptionType
  readonly default: string
  readonly help: string
}

/** The one table of options. Secret options have no YAML key (OP-6). */
export const OPTIONS = {
  accessUrl: {
    flag: 'access-url',
    env: 'CODER_ACCESS_URL',
    yaml: 'networking.accessURL',
    type: 'string',
    default: '',
    help: 'URL under which users and workspaces reach this server.',
  },
  wildcardAccessUrl: {
    flag: 'wildcard-access-url',
    env: 'CODER_WILDCARD_ACCESS_URL',
    yaml: 'networking.wildcardAccessURL',
    type: 'string',
    default: '',
    help: 'Host pattern under which workspace apps get a name of their own, such as *.apps.example.com.',
  },
  httpAddress: {
    flag: 'http-address',
    env: 'CODER_HTTP_ADDRESS',
    yaml: 'networking.http.httpAddress',
    type: 'address',
    default: '127.0.0.1:3000',
    help: 'Address that the server listens on.',
  },
  postgresUrl: {
    flag: 'postgres-url',
    env: 'CODER_PG_CONNECTION_URL',
    type: 'secret',
    default: '',
    help: 'PostgreSQL 13 or newer to use; without it an embedded one is started.',
  },
  postgresMaxOpen: {
    flag: 'postgres-conn-max-open',
    env: 'CODER_PG_CONN_MAX_OPEN',
    yaml: 'pgConnMaxOpen',
    type: 'int',
    default: '10',
    help: 'Connections to PostgreSQL at most.',
  },
  configDir: {
    flag: 'global-config',
    env: 'CODER_CONFIG_DIR',
    type: 'string',
    default: '',
    help: 'Folder for the embedded database and local state.',
  },
  sessionDuration: {
    flag: 'session-duration',
    env: 'CODER_SESSION_DURATION',
    yaml: 'networking.http.sessionDuration',
    type: 'duration',
    default: '24h',
    help: 'How long a sign-in lasts without use.',
  },
  disableSessionExpiryRefresh: {
    flag: 'disable-session-expiry-refresh',
    env: 'CODER_DISABLE_SESSION_EXPIRY_REFRESH',
    yaml: 'networking.http.disableSessionExpiryRefresh',
    type: 'bool',
    default: 'false',
    help: 'Sessions end at their first expiry even when they are used.',
  },
  disablePasswordAuth: {
    flag: 'disable-password-auth',
    env: 'CODER_DISABLE_PASSWORD_AUTH',
    yaml: 'networking.http.disablePasswordAuth',
    type: 'bool',
    default: 'false',
    help: 'Nobody can sign in with a password.',
  },
  defaultTokenLifetime: {
    flag: 'default-token-lifetime',
    env: 'CODER_DEFAULT_TOKEN_LIFETIME',
    yaml: 'defaultTokenLifetime',
    type: 'duration',
    default: '168h',
    help: 'Lifetime of a token when none is asked for.',
  },
  maxTokenLifetime: {
    flag: 'max-token-lifetime',
    env: 'CODER_MAX_TOKEN_LIFETIME',
    yaml: 'networking.http.maxTokenLifetime',
    type: 'duration',
    default: '876600h',
    help: 'Longest lifetime of a token.',
  },
  maxAdminTokenLifetime: {
    flag: 'max-admin-token-lifetime',
    env: 'CODER_MAX_ADMIN_TOKEN_LIFETIME',
    yaml: 'networking.http.maxAdminTokenLifetime',
    type: 'duration',
    default: '168h',
    help: 'Longest lifetime of a token of an owner.',
  },
  secureAuthCookie: {
    flag: 'secure-auth-cookie',
    env: 'CODER_SECURE_AUTH_COOKIE',
    yaml: 'networking.secureAuthCookie',
    type: 'bool',
    default: 'false',
    help: 'Cookies are sent over TLS only; on by itself when the access URL is https.',
  },
  sameSiteAuthCookie: {
    flag: 'samesite-auth-cookie',
    env: 'CODER_SAMESITE_AUTH_COOKIE',
    yaml: 'networking.sameSiteAuthCookie',
    type: 'string',
    default: 'lax',
    help: 'SameSite of cookies: lax or none.',
  },
  proxyTrustedOrigins: {
    flag: 'proxy-trusted-origins',
    env: 'CODER_PROXY_TRUSTED_ORIGINS',
    yaml: 'networking.proxyTrustedOrigins',
    type: 'list',
    default: '',
    help: 'CIDRs of proxies whose forwarding headers count.',
  },
  proxyTrustedHeaders: {
    flag: 'proxy-trusted-headers',
    env: 'CODER_PROXY_TRUSTED_HEADERS',
    yaml: 'networking.proxyTrustedHeaders',
    type: 'list',
    default: '',
    help: 'Headers that hold the client address, in order.',
  },
  apiRateLimit: {
    flag: 'api-rate-limit',
    env: 'CODER_API_RATE_LIMIT',
    type: 'int',
    default: '512',
    help: 'Requests a minute for each user or address; 0 or less switches the limit off.',
  },
  disableRateLimits: {
    flag: 'dangerous-disable-rate-limits',
    env: 'CODER_DANGEROUS_DISABLE_RATE_LIMITS',
    type: 'bool',
    default: 'false',
    help: 'Switches all rate limits off.',
  },
  allowCors: {
    flag: 'dangerous-allow-cors-requests',
    env: 'CODER_DANGEROUS_ALLOW_CORS_REQUESTS',
    type: 'bool',
    default: 'false',
    help: 'Pages of every origin may read answers.',
  },
  sshKeygenAlgorithm: {
    flag: 'ssh-keygen-algorithm',
    env: 'CODER_SSH_KEYGEN_ALGORITHM',
    yaml: 'sshKeygenAlgorithm',
    type: 'string',
    default: 'ed25519',
    help: 'Algorithm of new git SSH keys: ed25519, ecdsa or rsa4096.',
  },
  dangerousAllowPathAppSharing: {
    flag: 'dangerous-allow-path-app-sharing',
    env: 'CODER_DANGEROUS_ALLOW_PATH_APP_SHARING',
    type: 'bool',
    default: 'false',
    help: 'Apps under a path may be shared; they can act as whoever opens them, because they share the dashboard\'s origin.',
  },
  dangerousAllowPathAppSiteOwnerAccess: {
    flag: 'dangerous-allow-path-app-site-owner-access',
    env: 'CODER_DANGEROUS_ALLOW_PATH_APP_SITE_OWNER_ACCESS',
    type: 'bool',
    default: 'false',
    help: 'Owners of the site may open apps of others under a path.',
  },
  allowWorkspaceRenames: {
    flag: 'allow-workspace-renames',
    env: 'CODER_ALLOW_WORKSPACE_RENAMES',
    yaml: 'allowWorkspaceRenames',
    type: 'bool',
    default: 'false',
    help: 'Workspaces may be renamed; templates that use the name as an identity may lose data then.',
  },
  enableTerraformDebugMode: {
    flag: 'enable-terraform-debug-mode',
    env: 'CODER_ENABLE_TERRAFORM_DEBUG_MODE',
    yaml: 'introspection.logging.enableTerraformDebugMode',
    type: 'bool',
    default: 'false',
    help: 'Administrators may ask for debug logs of a build; these can hold secrets.',
  },
  provisionerDaemons: {
    flag: 'provisioner-daemons',
    env: 'CODER_PROVISIONER_DAEMONS',
    yaml: 'provisioning.daemons',
    type: 'int',
    default: '3',
    help: 'Builds and imports that this server runs at the same time; 0 leaves them to other provisioners.',
  },
  externalTokenEncryptionKeys: {
    flag: 'external-token-encryption-keys',
    env: 'CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS',
    type: 'secret',
    default: '',
    help: 'Keys that encrypt stored secrets, 32 bytes in base64 each, separated by commas; the first one encrypts.',
  },
  termsOfServiceUrl: {
    flag: 'terms-of-service-url',
    env: 'CODER_TERMS_OF_SERVICE_URL',
    yaml: 'termsOfServiceURL',
    type: 'string',
    default: '',
    help: 'Terms that users see when they sign in.',
  },
  verbose: {
    flag: 'verbose',
    env: 'CODER_VERBOSE',
    yaml: 'introspection.logging.verbose',
    type: 'bool',
    default: 'false',
    help: 'Also log each request.',
  },
} as const satisfies Record<string, Option>

/** Key of an option in {@link OPTIONS}. */
export type OptionKey = keyof typeof OPTIONS

type ValueOf<T extends OptionType> = T extends 'bool'
  ? boolean
  : T extends 'int' | 'duration'
    ? number
    : T extends 'list'
      ? readonly string[]
      : T extends 'address'
        ? { readonly host: string; readonly port: number } | undefined
        : string

/** The configuration: durations in milliseconds. */
export type Config = { readonly [K in OptionKey]: ValueOf<(typeof OPTIONS)[K]['type']> }

/** Where a value came from. */
export type ValueSource = 'flag' | 'env' | 'default'
