import type { RBACAction, RBACResource } from '@slipway/contract'

type Resource = Exclude<RBACResource, '*'>

const CRUD = ['create', 'read', 'update', 'delete'] as const
const WORKSPACE = [
  'create',
  'read',
  'update',
  'delete',
  'start',
  'stop',
  'ssh',
  'application_connect',
  'share',
  'create_agent',
  'update_agent',
  'delete_agent',
] as const

/** Actions that exist on each kind of resource (RB-16). */
export const RESOURCE_ACTIONS: Readonly<Record<Resource, readonly RBACAction[]>> = {
  ai_gateway_key: CRUD,
  ai_model_price: ['read', 'update'],
  ai_provider: CRUD,
  ai_seat: ['create', 'read'],
  aibridge_interception: ['create', 'read', 'update'],
  api_key: CRUD,
  assign_org_role: ['assign', 'unassign', 'create', 'read', 'update', 'delete'],
  assign_role: ['assign', 'unassign', 'read'],
  audit_log: ['create', 'read'],
  boundary_log: ['create', 'read', 'delete'],
  boundary_usage: ['read', 'update', 'delete'],
  chat: ['create', 'read', 'update', 'delete', 'share'],
  connection_log: ['read', 'update'],
  crypto_key: CRUD,
  debug_info: ['read'],
  deployment_config: ['read', 'update'],
  deployment_stats: ['read'],
  file: ['create', 'read'],
  group: CRUD,
  group_member: ['read'],
  idpsync_settings: ['read', 'update'],
  inbox_notification: ['create', 'read', 'update'],
  license: ['create', 'read', 'delete'],
  mcp_server_config: ['create', 'read', 'update', 'delete', 'share'],
  notification_message: CRUD,
  notification_preference: ['read', 'update'],
  notification_template: ['read', 'update'],
  oauth2_app: CRUD,
  oauth2_app_code_token: ['create', 'read', 'delete'],
  oauth2_app_secret: CRUD,
  organization: CRUD,
  organization_member: CRUD,
  prebuilt_workspace: ['update', 'delete'],
  provisioner_daemon: CRUD,
  provisioner_jobs: ['create', 'read', 'update'],
  replicas: ['read'],
  system: CRUD,
  tailnet_coordinator: CRUD,
  task: CRUD,
  template: ['create', 'read', 'update', 'delete', 'use', 'view_insights'],
  usage_event: ['create', 'read', 'update'],
  user: ['create', 'read', 'update', 'delete', 'read_personal', 'update_personal'],
  user_secret: CRUD,
  user_skill: CRUD,
  webpush_subscription: ['create', 'read', 'delete'],
  workspace: WORKSPACE,
  workspace_agent_devcontainers: ['create'],
  workspace_agent_resource_monitor: ['create', 'read', 'update'],
  workspace_build_orchestration: CRUD,
  workspace_dormant: WORKSPACE,
  workspace_proxy: CRUD,
}

export function isResource(name: string): name is Resource {
  return Object.hasOwn(RESOURCE_ACTIONS, name)
}
