/**
 * Every resource type with the actions that exist on it (RB-16). A pair that is not here never allows.
 */
export const RESOURCES = {
  ai_gateway_key: ['create', 'delete', 'read', 'update'],
  ai_model_price: ['read', 'update'],
  ai_provider: ['create', 'delete', 'read', 'update'],
  ai_seat: ['create', 'read'],
  aibridge_interception: ['create', 'read', 'update'],
  api_key: ['create', 'delete', 'read', 'update'],
  assign_org_role: ['assign', 'create', 'delete', 'read', 'unassign', 'update'],
  assign_role: ['assign', 'read', 'unassign'],
  audit_log: ['create', 'read'],
  boundary_log: ['create', 'delete', 'read'],
  boundary_usage: ['delete', 'read', 'update'],
  chat: ['create', 'delete', 'read', 'share', 'update'],
  connection_log: ['read', 'update'],
  crypto_key: ['create', 'delete', 'read', 'update'],
  debug_info: ['read'],
  deployment_config: ['read', 'update'],
  deployment_stats: ['read'],
  file: ['create', 'read'],
  group: ['create', 'delete', 'read', 'update'],
  group_member: ['read'],
  idpsync_settings: ['read', 'update'],
  inbox_notification: ['create', 'read', 'update'],
  license: ['create', 'delete', 'read'],
  mcp_server_config: ['create', 'delete', 'read', 'share', 'update'],
  notification_message: ['create', 'delete', 'read', 'update'],
  notification_preference: ['read', 'update'],
  notification_template: ['read', 'update'],
  oauth2_app: ['create', 'delete', 'read', 'update'],
  oauth2_app_code_token: ['create', 'delete', 'read'],
  oauth2_app_secret: ['create', 'delete', 'read', 'update'],
  organization: ['create', 'delete', 'read', 'update'],
  organization_member: ['create', 'delete', 'read', 'update'],
  prebuilt_workspace: ['delete', 'update'],
  provisioner_daemon: ['create', 'delete', 'read', 'update'],
  provisioner_jobs: ['create', 'read', 'update'],
  replicas: ['read'],
  system: ['create', 'delete', 'read', 'update'],
  tailnet_coordinator: ['create', 'delete', 'read', 'update'],
  task: ['create', 'delete', 'read', 'update'],
  template: ['create', 'delete', 'read', 'update', 'use', 'view_insights'],
  usage_event: ['create', 'read', 'update'],
  user: ['create', 'delete', 'read', 'read_personal', 'update', 'update_personal'],
  user_secret: ['create', 'delete', 'read', 'update'],
  user_skill: ['create', 'delete', 'read', 'update'],
  webpush_subscription: ['create', 'delete', 'read'],
  workspace: [
    'application_connect',
    'create',
    'create_agent',
    'delete',
    'delete_agent',
    'read',
    'share',
    'ssh',
    'start',
    'stop',
    'update',
    'update_agent',
  ],
  workspace_agent_devcontainers: ['create'],
  workspace_agent_resource_monitor: ['create', 'read', 'update'],
  workspace_build_orchestration: ['create', 'delete', 'read', 'update'],
  workspace_dormant: [
    'application_connect',
    'create',
    'create_agent',
    'delete',
    'delete_agent',
    'read',
    'share',
    'ssh',
    'start',
    'stop',
    'update',
    'update_agent',
  ],
  workspace_proxy: ['create', 'delete', 'read', 'update'],
} as const

/** A kind of object that permissions speak of. */
export type ResourceType = keyof typeof RESOURCES

/** What may be done to an object; which actions exist depends on its type. */
export type Action = (typeof RESOURCES)[ResourceType][number]

/** Actions of system actors that are no scope name and cannot be put into a role (RB-17). */
export const INTERNAL_ACTIONS: Readonly<Partial<Record<ResourceType, readonly Action[]>>> = {
  aibridge_interception: ['delete'],
}

/** Whether `name` is a resource type. */
export function isResourceType(name: string): name is ResourceType {
  return Object.hasOwn(RESOURCES, name)
}

/** Whether the action exists on the type; the internal ones are no answer to anybody's question (RB-139). */
export function isActionOf(type: ResourceType, action: string): action is Action {
  const actions: readonly string[] = RESOURCES[type]
  return actions.includes(action)
}
