import type { Action } from './resources.ts'

/** Roles of access lists and the actions they are stored as (RB chapter 7). */
export const ACL_ROLES = {
  template: { admin: ['*'], use: ['read', 'use'] },
  workspace: {
    admin: [
      'application_connect',
      'create',
      'create_agent',
      'delete_agent',
      'read',
      'share',
      'ssh',
      'start',
      'stop',
      'update',
      'update_agent',
    ],
    use: ['application_connect', 'read', 'ssh', 'start', 'stop'],
  },
  chat: { read: ['read'] },
  mcp_server_config: { read: ['read'] },
} as const satisfies Record<string, Record<string, readonly (Action | '*')[]>>

/** The role whose actions these are exactly; `''` when none matches (RB-55). */
export function aclRoleOf(resource: keyof typeof ACL_ROLES, actions: readonly string[]): string {
  const given = new Set(actions)
  const roles: Readonly<Record<string, readonly string[]>> = ACL_ROLES[resource]
  for (const [role, own] of Object.entries(roles))
    if (own.length === given.size && own.every((action) => given.has(action))) return role
  return ''
}
