import type { RoleDefinition } from './permissions.ts'

/** Role of each system actor, at the level that it acts on, and what it is for (RB-59). */
export const ACTOR_ROLES = {
  /** For: second factors, passcodes and wrong guesses of somebody who is not signed in yet, or with less scope. */
  account_security: {
    displayName: 'Account Security',
    site: {
      system: ['create', 'delete', 'read', 'update'],
      user: ['read', 'read_personal', 'update_personal'],
    },
  },
  /** For: provider listing and proxy. */
  ai_provider_metadata_reader: {
    displayName: 'AI Provider Metadata Reader',
    site: { ai_provider: ['read'] },
  },
  /** For: AI gateway. */
  aibridged: {
    displayName: 'AI Gateway Daemon',
    site: {
      ai_model_price: ['read', 'update'],
      ai_provider: ['read'],
      ai_seat: ['create'],
      aibridge_interception: ['create', 'delete', 'read', 'update'],
      api_key: ['read'],
      group: ['read'],
      organization: ['read'],
      user: ['read', 'read_personal'],
    },
  },
  /** For: revoking the keys of one user. */
  api_key_revoker: { displayName: 'API Key Revoker', user: { api_key: ['delete'] } },
  /** For: naming the deployment on pages and in messages. */
  appearance_reader: { displayName: 'Appearance Reader', site: { deployment_config: ['read'] } },
  /** For: sending the audit log on. */
  audit_forwarder: {
    displayName: 'Audit Forwarder',
    site: { audit_log: ['read'], system: ['update'], user: ['read'] },
  },
  /** For: lifecycle executor. */
  autostart: {
    displayName: 'Autostart',
    site: {
      file: ['read'],
      notification_message: ['create', 'read'],
      organization_member: ['read'],
      task: ['read', 'update'],
      template: ['read', 'update'],
      user: ['read'],
      workspace: ['delete', 'read', 'start', 'stop', 'update'],
      workspace_dormant: ['delete', 'read', 'stop', 'update'],
    },
  },
  /** For: boundary usage roll-up. */
  boundary_usage_tracker: {
    displayName: 'Boundary Usage Tracker',
    site: { boundary_usage: ['delete', 'read', 'update'] },
  },
  /** For: chat worker. */
  chatd: {
    displayName: 'Chatd',
    site: {
      ai_provider: ['read'],
      chat: ['create', 'delete', 'read', 'update'],
      deployment_config: ['read'],
      mcp_server_config: ['read'],
      user: ['read_personal'],
      workspace: ['read', 'update'],
    },
  },
  /** For: per-user gateway key of chats. */
  chatd_key_minter: {
    displayName: 'Chatd Key Minter',
    user: { api_key: ['create', 'delete', 'read', 'update'], user: ['read_personal'] },
  },
  /** For: token refresh of MCP connections. */
  chatd_token_owner: { displayName: 'Chatd Token Owner', user: { user: ['update_personal'] } },
  /** For: writer of the connection log. */
  connection_logger: { displayName: 'Connection Logger', site: { connection_log: ['read', 'update'] } },
  /** For: key cache. */
  crypto_key_reader: { displayName: 'Crypto Key Reader', site: { crypto_key: ['read'] } },
  /** For: key rotation. */
  crypto_key_rotator: { displayName: 'Crypto Key Rotator', site: { crypto_key: ['*'] } },
  /** For: retention. */
  dbpurge: {
    displayName: 'DB Purge',
    site: {
      aibridge_interception: ['delete'],
      api_key: ['delete'],
      boundary_log: ['delete'],
      chat: ['read', 'update'],
      notification_message: ['delete'],
      system: ['delete'],
      workspace_build_orchestration: ['delete'],
    },
  },
  /** For: users who go unseen for long, and their return. */
  dormancy: {
    displayName: 'Dormancy',
    site: { user: ['read', 'read_personal', 'update'] },
  },
  /** For: refresh of external tokens. */
  external_auth_coordinator: {
    displayName: 'External Auth Coordinator',
    site: { user: ['read_personal', 'update_personal'] },
  },
  /** For: reading template files to render parameters. */
  file_reader: { displayName: 'Can Read All Files', site: { file: ['read'] } },
  /** For: jobs whose provisioner is gone. */
  job_reaper: {
    displayName: 'Job Reaper',
    site: {
      provisioner_jobs: ['read', 'update'],
      template: ['read', 'update'],
      workspace: ['read', 'update'],
      workspace_dormant: ['read', 'update'],
    },
  },
  /** For: notifications. */
  notifier: {
    displayName: 'Notifier',
    site: {
      deployment_config: ['read', 'update'],
      inbox_notification: ['create'],
      notification_message: ['create', 'delete', 'read', 'update'],
      webpush_subscription: ['create', 'delete', 'read'],
    },
  },
  /** For: tokens that a user has granted to an OAuth2 client. */
  oauth2_token_issuer: {
    displayName: 'OAuth2 Token Issuer',
    user: { api_key: ['create', 'delete'], oauth2_app_code_token: ['create', 'delete'] },
  },
  /** For: prebuilt workspaces. */
  prebuilds_orchestrator: {
    displayName: 'Prebuilds Orchestrator',
    site: {
      file: ['read'],
      group: ['create', 'read', 'update'],
      group_member: ['read'],
      organization: ['read'],
      organization_member: ['read'],
      prebuilt_workspace: ['delete', 'update'],
      template: ['read', 'update', 'use', 'view_insights'],
      user: ['read'],
      workspace: ['create', 'delete', 'read', 'start', 'stop', 'update'],
    },
  },
  /** For: provisioner jobs and agents of a build. */
  provisionerd: {
    displayName: 'Provisioner Daemon',
    site: {
      ai_seat: ['create'],
      api_key: ['*'],
      file: ['create', 'read'],
      group: ['read'],
      notification_message: ['create', 'read'],
      organization: ['read'],
      provisioner_jobs: ['create', 'read', 'update'],
      replicas: ['read'],
      task: ['delete', 'read', 'update'],
      template: ['read', 'update'],
      usage_event: ['create'],
      user: ['read', 'read_personal', 'update_personal'],
      workspace: ['create_agent', 'delete', 'read', 'start', 'stop', 'update'],
      workspace_agent_devcontainers: ['create'],
      workspace_agent_resource_monitor: ['create'],
      workspace_dormant: ['create_agent', 'delete', 'read', 'stop', 'update'],
    },
  },
  /** For: rate limits that replicas share. */
  rate_limiter: { displayName: 'Rate Limiter', site: { system: ['delete', 'update'] } },
  /** For: resource monitors of agents. */
  resource_monitor: {
    displayName: 'Resource Monitor',
    site: { workspace_agent_resource_monitor: ['update'] },
  },
  /** For: SCIM. */
  scim_provisioner: {
    displayName: 'SCIM Provisioner',
    site: {
      assign_org_role: ['assign', 'create', 'delete', 'read', 'unassign', 'update'],
      assign_role: ['assign', 'read', 'unassign'],
      organization: ['read'],
      organization_member: ['create', 'read', 'update'],
      system: ['read'],
      user: ['create', 'read', 'update', 'update_personal'],
    },
  },
  /** For: sub agents of one workspace. */
  sub_agent_api: {
    displayName: 'Sub Agent API',
    org: { template: ['read'] },
    member: { workspace: ['create_agent', 'delete_agent', 'read', 'update', 'update_agent'] },
  },
  /** For: OAuth2 provider endpoints. */
  system_oauth: {
    displayName: 'System OAuth2',
    site: {
      api_key: ['delete', 'read'],
      deployment_config: ['read'],
      oauth2_app: ['create', 'delete', 'read', 'update'],
      oauth2_app_code_token: ['create', 'delete', 'read'],
      oauth2_app_secret: ['create', 'delete', 'read', 'update'],
      organization: ['read'],
      user: ['read'],
    },
  },
  /** For: health and eligibility of provisioners. */
  system_read_provisioner_daemons: {
    displayName: 'Provisioner Daemons Reader',
    site: { provisioner_daemon: ['read'] },
  },
  /** For: sign-in, set-up and look-ups before an identity is known. */
  system_restricted: {
    displayName: 'System',
    site: {
      '*': ['read'],
      ai_gateway_key: ['read', 'update'],
      ai_provider: ['create', 'delete', 'read', 'update'],
      api_key: ['create', 'delete', 'read', 'update'],
      assign_org_role: ['assign', 'create', 'delete', 'read', 'unassign', 'update'],
      assign_role: ['assign', 'read', 'unassign'],
      chat: ['create', 'delete', 'read', 'update'],
      crypto_key: ['create', 'delete', 'update'],
      deployment_config: ['update'],
      file: ['create', 'read'],
      group: ['create', 'update'],
      notification_message: ['create', 'delete', 'read', 'update'],
      notification_preference: ['update'],
      notification_template: ['update'],
      oauth2_app: ['create', 'delete', 'read', 'update'],
      oauth2_app_secret: ['create', 'delete', 'read', 'update'],
      organization: ['create', 'read'],
      organization_member: ['create', 'delete', 'read'],
      provisioner_daemon: ['create', 'read', 'update'],
      provisioner_jobs: ['create', 'read', 'update'],
      system: ['*'],
      user: ['create', 'delete', 'read', 'read_personal', 'update', 'update_personal'],
      workspace: ['create_agent', 'delete', 'delete_agent', 'ssh', 'start', 'stop', 'update', 'update_agent'],
      workspace_build_orchestration: ['read', 'update'],
      workspace_dormant: ['delete', 'stop', 'update'],
      workspace_proxy: ['create', 'delete', 'update'],
    },
  },
  /** For: learning of newer releases. */
  update_checker: { displayName: 'Update Checker', site: { system: ['read', 'update'] } },
  /** For: who uses what. */
  usage_tracker: {
    displayName: 'Usage Tracker',
    site: { deployment_stats: ['read'], system: ['update'] },
  },
  /** For: usage events. */
  usage_publisher: {
    displayName: 'Usage Publisher',
    site: { ai_seat: ['read'], license: ['read'], usage_event: ['create', 'read', 'update'] },
  },
  /** For: what a build reads that its initiator may not. */
  workspace_builder: {
    displayName: 'Workspace Builder',
    site: { provisioner_daemon: ['read'], provisioner_jobs: ['update'], template: ['update'] },
  },
} as const satisfies Record<string, RoleDefinition>

/** Name of a system actor. */
export type ActorName = keyof typeof ACTOR_ROLES
