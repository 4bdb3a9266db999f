import type { GrantablePermissions, Permission } from '@slipway/contract'

/** A permission in one word, `workspace:start`: what a set of them holds. */
export type Word = string

export function wordOf(permission: { readonly resource_type: string; readonly action: string }): Word {
  return `${permission.resource_type}:${permission.action}`
}

/** The set as the API wants it, in an order that does not depend on the order of clicks. */
export function permissionsOf(words: ReadonlySet<Word>): { resource_type: string; action: string }[] {
  return [...words].sort().map((word) => {
    const [resource_type = '', action = ''] = word.split(':')
    return { resource_type, action }
  })
}

/** The granted permissions of a list, and those that it refuses. */
export function splitRefusals(permissions: readonly Permission[]): {
  readonly granted: ReadonlySet<Word>
  readonly refused: readonly Permission[]
} {
  return {
    granted: new Set(permissions.filter(({ negate }) => !negate).map(wordOf)),
    refused: permissions.filter(({ negate }) => negate),
  }
}

/** Actions with a column of their own, in its order; the others share the last column. */
export const COLUMNS = ['create', 'read', 'update', 'delete'] as const

/** Kinds of resources that roles are about, by what they belong to; the rest is for those who look for it. */
const GROUPS: readonly { readonly title: string; readonly types: readonly string[] }[] = [
  { title: 'Workspaces', types: ['workspace', 'workspace_dormant', 'prebuilt_workspace', 'task', 'chat'] },
  { title: 'Templates', types: ['template', 'file', 'provisioner_daemon', 'provisioner_jobs'] },
  {
    title: 'Organization',
    types: [
      'organization_member',
      'group',
      'group_member',
      'assign_org_role',
      'idpsync_settings',
      'organization',
      'mcp_server_config',
    ],
  },
  { title: 'Logs', types: ['audit_log', 'connection_log'] },
]
const REST = 'Everything else'

const LABELS: Readonly<Record<string, string>> = {
  assign_org_role: 'Roles',
  audit_log: 'Audit log',
  connection_log: 'Connection log',
  group_member: 'Members of groups',
  idpsync_settings: 'IdP sync',
  mcp_server_config: 'MCP servers',
  organization: 'Settings of the organization',
  organization_member: 'Members',
  prebuilt_workspace: 'Prebuilt workspaces',
  provisioner_daemon: 'Provisioners',
  provisioner_jobs: 'Provisioner jobs',
  workspace_dormant: 'Dormant workspaces',
}

/** What a kind of resource is called. */
export function resourceLabel(type: string): string {
  const words = LABELS[type] ?? type.replaceAll('_', ' ')
  const text = words.charAt(0).toUpperCase() + words.slice(1)
  return type in LABELS || text.endsWith('s') ? text : `${text}s`
}

const ACTIONS: Readonly<Record<string, string>> = {
  application_connect: 'Open apps',
  ssh: 'SSH',
  create_agent: 'Create agents',
  delete_agent: 'Delete agents',
  update_agent: 'Update agents',
  read_personal: 'Read personal data',
  update_personal: 'Update personal data',
  view_insights: 'View insights',
}

/** What an action is called. */
export function actionLabel(action: string): string {
  const words = ACTIONS[action] ?? action.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** One kind of resource in the matrix. */
export interface MatrixRow {
  readonly type: string
  readonly label: string
  readonly cells: readonly MatrixCell[]
}

/** One permission in the matrix. */
export interface MatrixCell {
  readonly word: Word
  readonly action: string
  readonly label: string
  /** Whether the viewer may put it into a role. */
  readonly grantable: boolean
}

/**
 * The matrix, grouped (UI-1402). Kinds that roles are seldom about are left out unless they are asked for, are found
 * by the text, or hold something that was chosen.
 */
export function matrixOf(
  known: readonly GrantablePermissions[],
  { all, text, chosen }: { readonly all: boolean; readonly text: string; readonly chosen: ReadonlySet<Word> },
): readonly { readonly title: string; readonly rows: readonly MatrixRow[] }[] {
  const wanted = text.trim().toLowerCase()
  const byType = new Map(known.map((entry) => [entry.resource_type, entry]))
  const usual = new Set(GROUPS.flatMap(({ types }) => types))
  const rest = known.map(({ resource_type }) => resource_type).filter((type) => !usual.has(type))
  const holdsChosen = (type: string) =>
    byType.get(type)?.actions.some((action) => chosen.has(`${type}:${action}`)) === true
  const restShown = rest.filter((type) => all || wanted !== '' || holdsChosen(type))
  return [...GROUPS, { title: REST, types: restShown }]
    .map(({ title, types }) => ({
      title,
      rows: types
        .flatMap((type) => byType.get(type) ?? [])
        .map(rowOf)
        .filter(
          ({ type, label }) => wanted === '' || label.toLowerCase().includes(wanted) || type.includes(wanted),
        ),
    }))
    .filter(({ rows }) => rows.length > 0)
}

function rowOf({ resource_type: type, actions, grantable }: GrantablePermissions): MatrixRow {
  const standard: readonly string[] = COLUMNS
  const place = (action: string) => {
    const at = standard.indexOf(action)
    return at < 0 ? standard.length : at
  }
  return {
    type,
    label: resourceLabel(type),
    cells: [...actions]
      .sort((a, b) => place(a) - place(b) || a.localeCompare(b))
      .map((action) => ({
        word: `${type}:${action}`,
        action,
        label: actionLabel(action),
        grantable: grantable.includes(action),
      })),
  }
}

/** Chosen permissions that the viewer may not put into a role: with them the server refuses to save it (RB-37). */
export function beyond(chosen: ReadonlySet<Word>, known: readonly GrantablePermissions[]): readonly Word[] {
  const may = new Set(
    known.flatMap(({ resource_type, grantable }) => grantable.map((action) => `${resource_type}:${action}`)),
  )
  return [...chosen].filter((word) => !may.has(word)).sort()
}
