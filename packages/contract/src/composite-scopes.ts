/**
 * Ready sets: scopes that stand for several permissions, each with the actions that it allows by kind of resource (RB-47).
 * They are part of the API, so that clients can say what a token allows.
 */
export const COMPOSITE_SCOPES = {
  // Requests to models and nothing else (AG-B7).
  'coder:ai_gateway.use': { aibridge_interception: ['create', 'update'] },
  'coder:apikeys.manage_self': { api_key: ['create', 'delete', 'read', 'update'] },
  'coder:application_connect': { workspace: ['application_connect'] },
  'coder:templates.author': {
    file: ['create', 'read'],
    template: ['create', 'delete', 'read', 'update', 'view_insights'],
  },
  'coder:templates.build': { file: ['create', 'read'], provisioner_jobs: ['read'], template: ['read'] },
  'coder:workspaces.access': {
    organization_member: ['read'],
    template: ['read'],
    workspace: ['application_connect', 'read', 'ssh'],
  },
  'coder:workspaces.create': {
    organization_member: ['read'],
    template: ['read', 'use'],
    workspace: ['create', 'read', 'start', 'stop', 'update'],
  },
  'coder:workspaces.delete': {
    organization_member: ['read'],
    template: ['read', 'use'],
    workspace: ['delete', 'read'],
  },
  'coder:workspaces.operate': {
    organization_member: ['read'],
    template: ['read'],
    workspace: ['read', 'start', 'stop', 'update'],
  },
} as const
