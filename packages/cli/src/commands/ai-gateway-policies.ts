import type { Command } from 'commander'

import {
  deleteGroupAILimits,
  deleteGroupAIModelPolicy,
  type GroupAILimits,
  type GroupAIModelPolicy,
  getGroupAILimits,
  getGroupAIModelPolicy,
  getOrganizationAIGovernance,
  getOrganizationAIPrivacy,
  listOrganizationGroups,
  type OrganizationAIPrivacy,
  type UpsertGroupAILimitsRequest,
  updateOrganizationAIPrivacy,
  upsertGroupAILimits,
  upsertGroupAIModelPolicy,
} from '@slipway/contract'
import { dollars, micros } from '../dollars.ts'
import { CommandError, unlessMissing } from '../errors.ts'
import { listOption } from '../flags.ts'
import {
  chosenGroup,
  chosenOrganization,
  type OrganizationFlags,
  organizationOption,
} from '../organization.ts'
import { type Column, type OutputFlags, printRow, printRows, tableOptions } from '../output.ts'
import { openSession } from '../session.ts'
import { wholeNumber } from '../whole-number.ts'
import { settingCommands } from './ai-gateway-settings.ts'

const NONE = 'none'

type Flags = OutputFlags & OrganizationFlags

/** What holds for a group, and how people call the group; programs get what holds. */
interface Held<What> {
  readonly what: What
  readonly group: string
}
const whatIn = <What>({ what }: Held<What>): What => what

const POLICY_COLUMNS: readonly Column<Held<GroupAIModelPolicy>>[] = [
  { name: 'group', value: ({ group }) => group },
  { name: 'group id', value: ({ what }) => what.group_id, extra: true },
  { name: 'allow', value: ({ what }) => what.allow.join(', ') || 'all' },
  { name: 'deny', value: ({ what }) => what.deny.join(', ') || NONE },
  { name: 'aliases', value: ({ what }) => aliasesOf(what) },
]

const LIMIT_COLUMNS: readonly Column<Held<GroupAILimits>>[] = [
  { name: 'group', value: ({ group }) => group },
  { name: 'group id', value: ({ what }) => what.group_id, extra: true },
  { name: 'limit of all', value: ({ what }) => dollars(what.total_spend_limit_micros, NONE) },
  { name: 'tokens per minute', value: ({ what }) => String(what.tokens_per_minute ?? NONE) },
  { name: 'of each member', value: ({ what }) => String(what.member_tokens_per_minute ?? NONE) },
]

const PRIVACY_COLUMNS: readonly Column<OrganizationAIPrivacy>[] = [
  { name: 'organization id', value: (privacy) => privacy.organization_id, extra: true },
  { name: 'level', value: (privacy) => privacy.level },
  { name: 'own sessions', value: (privacy) => (privacy.own_sessions ? 'yes' : 'no') },
]

interface Row {
  readonly name: string
  readonly budget: number | null
  readonly policy: GroupAIModelPolicy | null
  readonly limits: GroupAILimits | null
}

const COLUMNS: readonly Column<Row>[] = [
  { name: 'group', value: (row) => row.name },
  { name: 'budget of each member', value: (row) => dollars(row.budget, NONE) },
  { name: 'limit of all', value: (row) => dollars(row.limits?.total_spend_limit_micros ?? null, NONE) },
  { name: 'tokens per minute', value: (row) => String(row.limits?.tokens_per_minute ?? NONE) },
  { name: 'of each member', value: (row) => String(row.limits?.member_tokens_per_minute ?? NONE) },
  { name: 'allow', value: (row) => row.policy?.allow.join(', ') || 'all' },
  { name: 'deny', value: (row) => row.policy?.deny.join(', ') || NONE },
  { name: 'aliases', value: (row) => (row.policy === null ? '' : aliasesOf(row.policy)) },
]

/** `ai-gateway policy …`. */
export function policyCommands(gateway: Command): void {
  const policy = gateway
    .command('policy')
    .alias('policies')
    .description('Manage which models may be used, how much, and what is kept of it')
  organizationOption(tableOptions(policy.command('show'), COLUMNS))
    .description('Show what holds for the groups of an organization')
    .action(async (own: Flags, command: Command) => {
      const client = await openSession(command)
      const { id: organization } = await chosenOrganization(client, own)
      const governance = await client.call(getOrganizationAIGovernance, { params: { organization } })
      if (own.output === 'json') {
        process.stdout.write(`${JSON.stringify(governance, null, 2)}\n`)
        return
      }
      const groups = await client.call(listOrganizationGroups, { params: { organization } })
      const names = new Map(groups.map(({ id, name }) => [id, name]))
      const rows = governance.groups.map((group) => ({
        name: names.get(group.group_id) ?? group.group_id,
        budget: group.budget_micros,
        policy: group.model_policy,
        limits: group.limits,
      }))
      printRows(rows, COLUMNS, own)
    })
  modelCommands(policy.command('models').description('Which models the members of a group may use'))
  limitCommands(policy.command('limits').description('What the members of a group may use in all'))
  privacyCommands(policy.command('privacy').description('What is kept of prompts, tools and thoughts'))
  settingCommands(policy.command('settings').description('What holds for the whole deployment'))
}

interface ModelFlags extends Flags {
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
  readonly alias?: readonly string[]
}

function modelCommands(models: Command): void {
  organizationOption(tableOptions(models.command('show <group>'), POLICY_COLUMNS))
    .description('Show which models the members of a group may use')
    .action(async (name: string, own: Flags, command: Command) => {
      const client = await openSession(command)
      const group = await chosenGroup(client, own, name)
      const what = await unlessMissing(
        client.call(getGroupAIModelPolicy, { params: { group: group.id } }),
        `the group ${group.name} has no model policy`,
      )
      printRow({ what, group: group.name }, POLICY_COLUMNS, own, whatIn)
    })
  organizationOption(tableOptions(models.command('set <group>'), POLICY_COLUMNS))
    .description('Set which models the members of a group may use; what is not given stays')
    .addOption(
      listOption('--allow <glob>', 'model such as "claude-*" or "openai/*", given once for each; "*" is all'),
    )
    .addOption(listOption('--deny <glob>', 'model that is not allowed, given once for each; "" is none'))
    .addOption(listOption('--alias <name=model>', 'other name of a model, given once for each; "" is none'))
    .action(async (name: string, own: ModelFlags, command: Command) => {
      const body = {
        ...(own.allow === undefined ? {} : { allow: listIn(own.allow) }),
        ...(own.deny === undefined ? {} : { deny: listIn(own.deny) }),
        ...(own.alias === undefined ? {} : { aliases: aliasesIn(own.alias) }),
      }
      if (Object.keys(body).length === 0)
        throw new CommandError('nothing to set: give --allow, --deny or --alias')
      const client = await openSession(command)
      const group = await chosenGroup(client, own, name)
      const what = await client.call(upsertGroupAIModelPolicy, { params: { group: group.id }, body })
      printRow({ what, group: group.name }, POLICY_COLUMNS, own, whatIn)
    })
  organizationOption(models.command('delete <group>'))
    .alias('rm')
    .description('Let the members of a group use every model')
    .action(async (name: string, own: OrganizationFlags, command: Command) => {
      const client = await openSession(command)
      const group = await chosenGroup(client, own, name)
      await unlessMissing(
        client.call(deleteGroupAIModelPolicy, { params: { group: group.id } }),
        `the group ${group.name} has no model policy`,
      )
      process.stdout.write(`The group ${group.name} has no model policy.\n`)
    })
}

interface LimitFlags extends Flags {
  readonly totalLimit?: string
  readonly tokensPerMinute?: string
  readonly memberTokensPerMinute?: string
}

function limitCommands(limits: Command): void {
  organizationOption(tableOptions(limits.command('show <group>'), LIMIT_COLUMNS))
    .description('Show what the members of a group may use in all')
    .action(async (name: string, own: Flags, command: Command) => {
      const client = await openSession(command)
      const group = await chosenGroup(client, own, name)
      const what = await unlessMissing(
        client.call(getGroupAILimits, { params: { group: group.id } }),
        `the group ${group.name} has no AI limits`,
      )
      printRow({ what, group: group.name }, LIMIT_COLUMNS, own, whatIn)
    })
  organizationOption(tableOptions(limits.command('set <group>'), LIMIT_COLUMNS))
    .description('Set what the members of a group may use in all; what is not given stays')
    .option('--total-limit <dollars>', 'what they may spend together in a period, or none')
    .option('--tokens-per-minute <count>', 'tokens of them all in a minute, or none')
    .option('--member-tokens-per-minute <count>', 'tokens of each in a minute, or none')
    .action(async (name: string, own: LimitFlags, command: Command) => {
      const body = limitsIn(own)
      if (Object.keys(body).length === 0)
        throw new CommandError(
          'nothing to set: give --total-limit, --tokens-per-minute or --member-tokens-per-minute',
        )
      const client = await openSession(command)
      const group = await chosenGroup(client, own, name)
      const what = await client.call(upsertGroupAILimits, { params: { group: group.id }, body })
      printRow({ what, group: group.name }, LIMIT_COLUMNS, own, whatIn)
    })
  organizationOption(limits.command('delete <group>'))
    .alias('rm')
    .description('Take the limits of a group away')
    .action(async (name: string, own: OrganizationFlags, command: Command) => {
      const client = await openSession(command)
      const group = await chosenGroup(client, own, name)
      await unlessMissing(
        client.call(deleteGroupAILimits, { params: { group: group.id } }),
        `the group ${group.name} has no AI limits`,
      )
      process.stdout.write(`The group ${group.name} has no AI limits.\n`)
    })
}

interface PrivacyFlags extends Flags {
  readonly level?: string
  readonly ownSessions?: string
}

function privacyCommands(privacy: Command): void {
  organizationOption(tableOptions(privacy.command('show'), PRIVACY_COLUMNS))
    .description('Show what is kept of what members of an organization ask')
    .action(async (own: Flags, command: Command) => {
      const client = await openSession(command)
      const params = { organization: (await chosenOrganization(client, own)).id }
      printRow(await client.call(getOrganizationAIPrivacy, { params }), PRIVACY_COLUMNS, own)
    })
  organizationOption(tableOptions(privacy.command('set'), PRIVACY_COLUMNS))
    .description('Set what is kept of what members of an organization ask; what is not given stays')
    .option('--level <level>', 'full, redacted, hash or none')
    .option('--own-sessions <yes|no>', 'whether members may read their own sessions')
    .action(async (own: PrivacyFlags, command: Command) => {
      const { level, ownSessions } = own
      if (
        level !== undefined &&
        level !== 'full' &&
        level !== 'redacted' &&
        level !== 'hash' &&
        level !== NONE
      )
        throw new CommandError(`--level must be full, redacted, hash or none, not ${JSON.stringify(level)}`)
      if (ownSessions !== undefined && ownSessions !== 'yes' && ownSessions !== 'no')
        throw new CommandError(`--own-sessions must be yes or no, not ${JSON.stringify(ownSessions)}`)
      if (level === undefined && ownSessions === undefined)
        throw new CommandError('nothing to set: give --level or --own-sessions')
      const client = await openSession(command)
      const set = await client.call(updateOrganizationAIPrivacy, {
        params: { organization: (await chosenOrganization(client, own)).id },
        body: {
          ...(level === undefined ? {} : { level }),
          ...(ownSessions === undefined ? {} : { own_sessions: ownSessions === 'yes' }),
        },
      })
      printRow(set, PRIVACY_COLUMNS, own)
    })
}

function limitsIn(flags: LimitFlags): UpsertGroupAILimitsRequest {
  const { totalLimit, tokensPerMinute, memberTokensPerMinute } = flags
  const limit = (text: string, read: () => number): number | null => (text === NONE ? null : read())
  return {
    ...(totalLimit === undefined
      ? {}
      : { total_spend_limit_micros: limit(totalLimit, () => micros(totalLimit, '--total-limit')) }),
    ...(tokensPerMinute === undefined
      ? {}
      : {
          tokens_per_minute: limit(tokensPerMinute, () =>
            wholeNumber(tokensPerMinute, '--tokens-per-minute', 0),
          ),
        }),
    ...(memberTokensPerMinute === undefined
      ? {}
      : {
          member_tokens_per_minute: limit(memberTokensPerMinute, () =>
            wholeNumber(memberTokensPerMinute, '--member-tokens-per-minute', 0),
          ),
        }),
  }
}

/** Globs that were given; nothing is no list at all. */
function listIn(given: readonly string[]): string[] {
  return given.filter((glob) => glob !== '')
}

function aliasesIn(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.flatMap((text) => {
      if (text === '') return []
      const [, name, model] = /^([^=]+)=(.+)$/s.exec(text) ?? []
      if (name === undefined || model === undefined)
        throw new CommandError(
          `--alias must be a name and a model such as fast=claude-haiku-4-5, not ${text}`,
        )
      return [[name, model] as const]
    }),
  )
}

function aliasesOf({ aliases }: GroupAIModelPolicy): string {
  return Object.entries(aliases)
    .map(([name, model]) => `${name}=${model}`)
    .join(', ')
}
