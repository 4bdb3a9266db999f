/** A heading of help and documentation; its `yaml` segments nest the keys of its options (OP-4). */
export interface Group {
  readonly name: string
  readonly description?: string
  readonly yaml?: string
  readonly parent?: Group
}

const group = (name: string, yaml: string | undefined, description: string, parent?: Group): Group => ({
  name,
  description,
  ...(yaml === undefined ? {} : { yaml }),
  ...(parent === undefined ? {} : { parent }),
})

const networking = group('Networking', 'networking', 'How the server is reached and what it trusts.')
const introspection = group('Introspection', 'introspection', 'What the server tells about itself.')
const tracing = group('Tracing', 'tracing', 'Export of OpenTelemetry traces.', introspection)
const statsCollection = group('Stats Collection', 'statsCollection', 'What is counted.', introspection)
const oauth2 = group('OAuth2', 'oauth2', 'Sign-in with OAuth2 providers.')
const email = group('Email', 'email', 'The mail server that messages are handed to.')
const notifications = group('Notifications', 'notifications', 'How notifications are delivered.')
const notificationsEmail = group('Email', 'email', 'Former place of the mail settings.', notifications)

/** Every group of options. */
export const groups = {
  networking,
  http: group('HTTP', 'http', 'The plain listener, sessions and browser policies.', networking),
  tls: group('TLS', 'tls', 'The encrypted listener and its certificates.', networking),
  derp: group('DERP', 'derp', 'The relay for workspace connections.', networking),
  cluster: group('Cluster', 'cluster', 'How replicas reach each other.', networking),
  introspection,
  prometheus: group('Prometheus', 'prometheus', 'The metrics listener.', introspection),
  pprof: group('pprof', 'pprof', 'The profiling listener.', introspection),
  statsCollection,
  usageStats: group('Usage Stats', 'usageStats', 'How the deployment is used.', statsCollection),
  tracing,
  logging: group('Logging', 'logging', 'Where logs go and what they hold.', introspection),
  healthcheck: group('Health Check', 'healthcheck', 'The health report.', introspection),
  oauth2,
  github: group('GitHub', 'github', 'Sign-in with GitHub.', oauth2),
  oidc: group('OIDC', 'oidc', 'Sign-in with OpenID Connect.'),
  telemetry: group('Telemetry', 'telemetry', 'Reports to an address of your choice; off unless set.'),
  provisioning: group('Provisioning', 'provisioning', 'Provisioner daemons.'),
  quietHours: group('User Quiet Hours Schedule', 'userQuietHoursSchedule', 'When workspaces may restart.'),
  prebuilds: group('Workspace Prebuilds', 'workspace_prebuilds', 'Workspaces built ahead of need.'),
  client: group('Client', 'client', 'What clients are told.'),
  dangerous: group('⚠️ Dangerous', undefined, 'Settings that give up protection.'),
  notifications,
  inbox: group('Inbox', 'inbox', 'Notifications in the dashboard.', notifications),
  webhook: group('Webhook', 'webhook', 'Notifications by HTTP request.', notifications),
  email,
  emailAuth: group('Email Authentication', 'emailAuth', 'Signing in at the mail server.', email),
  emailTls: group('Email TLS', 'emailTLS', 'Encryption towards the mail server.', email),
  notificationsEmail,
  notificationsEmailAuth: group(
    'Email Authentication',
    'emailAuth',
    'Former place of the mail settings.',
    notificationsEmail,
  ),
  notificationsEmailTls: group(
    'Email TLS',
    'emailTLS',
    'Former place of the mail settings.',
    notificationsEmail,
  ),
  chat: group('Chat', 'chat', 'Chats with AI models.'),
  aiGateway: group('AI Gateway', 'ai_gateway', 'Requests of tools to AI models.'),
  aiGatewayProxy: group('AI Gateway Proxy', 'ai_gateway_proxy', 'An HTTP proxy that feeds the gateway.'),
  aibridge: group('AI Bridge', 'aibridge', 'Former place of the AI gateway settings.'),
  aibridgeProxy: group('AI Bridge Proxy', 'aibridgeproxy', 'Former place of the AI gateway proxy settings.'),
  retention: group('Retention', 'retention', 'How long records are kept.'),
  templateBuilder: group('Template Builder', 'templateBuilder', 'Composing templates in the dashboard.'),
} as const satisfies Record<string, Group>

/** The YAML segments above the keys of a group's options. */
export function yamlSegments(of: Group | undefined): readonly string[] {
  return of === undefined ? [] : [...yamlSegments(of.parent), ...(of.yaml === undefined ? [] : [of.yaml])]
}
