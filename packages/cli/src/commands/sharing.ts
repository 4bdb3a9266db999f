import type { Command } from 'commander'

import { ApiFailure } from '@slipway/client'
import {
  getGroupByName,
  getMember,
  getWorkspaceAcl,
  updateWorkspaceAcl,
  type Workspace,
  type WorkspaceACL,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { listOption } from '../flags.ts'
import { type Column, type OutputFlags, printRows, tableOptions } from '../output.ts'
import { openSession } from '../session.ts'
import { findWorkspace } from '../workspace-name.ts'

interface Shared {
  readonly user: string
  readonly group: string
  readonly role: string
}

const COLUMNS: readonly Column<Shared>[] = [
  { name: 'user', value: (shared) => shared.user },
  { name: 'group', value: (shared) => shared.group },
  { name: 'role', value: (shared) => shared.role },
]

interface WhomFlags extends OutputFlags {
  readonly user?: readonly string[]
  readonly group?: readonly string[]
}

/** `sharing …`: whom a workspace is shared with (RB-54). */
export function sharingCommands(program: Command): void {
  const sharing = program.command('sharing')
  tableOptions(sharing.command('status <workspace>'), COLUMNS)
    .alias('list')
    .description('Show whom a workspace is shared with')
    .action(async (name: string, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      await print(client, await findWorkspace(client, name), own)
    })
  tableOptions(sharing.command('add <workspace>'), COLUMNS)
    .alias('share')
    .description('Share a workspace with users and groups of its organization')
    .addOption(listOption('--user <user:role>', 'a user, and admin or use, which is the default; repeatable'))
    .addOption(
      listOption('--group <group:role>', 'a group, and admin or use, which is the default; repeatable'),
    )
    .action(async (name: string, own: WhomFlags, command: Command) => {
      const client = await openSession(command)
      await change(client, name, own, (role) => role ?? 'use')
    })
  tableOptions(sharing.command('remove <workspace>'), COLUMNS)
    .alias('rm')
    .description('Stop sharing a workspace with users and groups')
    .addOption(listOption('--user <user>', 'a user, by name or id; repeatable'))
    .addOption(listOption('--group <group>', 'a group, by name or id; repeatable'))
    .action(async (name: string, own: WhomFlags, command: Command) => {
      const client = await openSession(command)
      await change(client, name, own, () => '')
    })
}

async function change(
  client: Connection,
  name: string,
  own: WhomFlags,
  roleOf: (given: string | undefined) => string,
): Promise<void> {
  const [users, groups] = [entries(own.user), entries(own.group)]
  if (users.length + groups.length === 0) throw new CommandError('say whom: --user or --group')
  const workspace = await findWorkspace(client, name)
  const now = await client.call(getWorkspaceAcl, { params: { workspace: workspace.id } })
  const userRoles: Record<string, string> = {}
  const groupRoles: Record<string, string> = {}
  for (const { name: who, role } of users) userRoles[await userId(client, workspace, now, who)] = roleOf(role)
  for (const { name: who, role } of groups)
    groupRoles[await groupId(client, workspace, now, who)] = roleOf(role)
  await client.call(updateWorkspaceAcl, {
    params: { workspace: workspace.id },
    body: { user_roles: userRoles, group_roles: groupRoles },
  })
  await print(client, workspace, own)
}

function entries(lists: readonly string[] | undefined) {
  return (lists ?? [])
    .flatMap((list) => list.split(','))
    .map((entry) => {
      const [name = '', role] = entry.trim().split(':')
      return { name, role }
    })
    .filter(({ name }) => name !== '')
}

/** Who is on the list already may have left the organization; others are members of it. */
async function userId(
  client: Connection,
  { organization_id: organization, organization_name: place }: Workspace,
  now: WorkspaceACL,
  user: string,
): Promise<string> {
  const listed = now.users.find(({ id, username }) => id === user || username === user)
  if (listed !== undefined) return listed.id
  const member = await unlessMissing(client.call(getMember, { params: { organization, user } }))
  if (member === undefined) throw new CommandError(`${user} is no member of ${place}`)
  return member.user_id
}

async function groupId(
  client: Connection,
  { organization_id: organization, organization_name: place }: Workspace,
  now: WorkspaceACL,
  groupName: string,
): Promise<string> {
  const listed = now.group.find(({ id, name }) => id === groupName || name === groupName)
  if (listed !== undefined) return listed.id
  const found = await unlessMissing(
    client.call(getGroupByName, { params: { organization, groupName }, query: { exclude_members: true } }),
  )
  if (found === undefined) throw new CommandError(`${place} has no group ${groupName}`)
  return found.id
}

async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 404) return undefined
    throw error
  }
}

async function print(client: Connection, workspace: Workspace, own: OutputFlags): Promise<void> {
  const list = await client.call(getWorkspaceAcl, { params: { workspace: workspace.id } })
  if (own.output === 'json') {
    process.stdout.write(`${JSON.stringify(list, null, 2)}\n`)
    return
  }
  const rows = [
    ...list.users.map(({ username, role }) => ({ user: username, group: '', role })),
    ...list.group.map(({ name, role }) => ({ user: '', group: name, role })),
  ]
  if (rows.length === 0 && own.output === 'table')
    process.stderr.write(`${workspace.name} is shared with nobody.\n`)
  else printRows(rows, COLUMNS, own)
}
