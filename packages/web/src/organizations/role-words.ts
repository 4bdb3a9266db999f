import type { AssignableRoles } from '@slipway/contract'
import { ROLES } from '../users/user-look.ts'

const WORDS: Readonly<Record<string, string>> = {
  'organization-admin':
    'Manages everything in the organization, but does not enter the workspaces of others.',
  'organization-auditor': 'Reads the audit log, and the members, groups and templates it is about.',
  'organization-user-admin': 'Adds and removes members, manages groups and hands out basic roles.',
  'organization-template-admin': 'Makes and changes templates, and sees the workspaces made from them.',
  'organization-workspace-creation-ban': 'May not create or delete workspaces, whatever other roles allow.',
  'organization-workspace-access': 'Creates and uses workspaces of their own.',
  'agents-access': 'Starts chats with agents.',
}

const NAMES: Readonly<Record<string, string>> = { 'agents-access': 'Agents user' }

/** What a role is called, in sentence case. */
export function roleTitle(role: { readonly name: string; readonly display_name: string }): string {
  const own = NAMES[role.name]
  if (own !== undefined) return own
  if (role.display_name === '') return role.name
  return role.name in WORDS
    ? role.display_name.charAt(0) + role.display_name.slice(1).toLowerCase()
    : role.display_name
}

/** What a role is called of which only the name is known; a custom one keeps it. */
export function roleTitleOf(name: string): string {
  const own = NAMES[name] ?? ROLES.find(({ value }) => value === name)?.label
  if (own !== undefined) return own
  return name in WORDS ? (name.charAt(0).toUpperCase() + name.slice(1)).replaceAll('-', ' ') : name
}

/** What somebody with the role may do, in a line. */
export function roleAbout(role: AssignableRoles): string {
  const known = WORDS[role.name]
  if (known !== undefined) return known
  const all = [...role.organization_permissions, ...role.organization_member_permissions]
  const kinds = new Set(all.map(({ resource_type }) => resource_type)).size
  if (all.length === 0) return 'No permissions yet.'
  return `${count(all.length, 'permission')} on ${count(kinds, 'kind')} of resources.`
}

/** "1 member", "3 members". */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
