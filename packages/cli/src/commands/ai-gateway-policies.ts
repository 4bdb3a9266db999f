import type { Command } from 'commander'

import {
  type AIGatewaySettings,
  deleteGroupAILimits,
  deleteGroupAIModelPolicy,
  type GroupAILimits,
  type GroupAIModelPolicy,
  getAIGatewaySettings,
  getGroupAILimits,
  getGroupAIModelPolicy,
  getOrganizationAIGovernance,
  getOrganizationAIPrivacy,
  listOrganizationGroups,
  type OrganizationAIPrivacy,
  type UpsertGroupAILimitsRequest,
  updateAIGatewaySettings,
  updateOrganizationAIPrivacy,
  upsertGroupAILimits,
  upsertGroupAIModelPolicy,
} from '@slipway/contract'
import { dollars, micros } from '../dollars.ts'
import { CommandError } from '../errors.ts'
import { listOption } from '../flags.ts'
import {
  chosenGroup,
  chosenOrganization,
  type OrganizationFlags,
  organizationOption,
} from '../organization.ts'
import { type Column, type OutputFlags, printRow, printRows, tableOptions } from '../output.ts'
import { openSession } from '../session.ts'
import { jsonBytes, standardInputObject } from '../standard-input.ts'
import { wholeNumber } from '../whole-number.ts'

const NONE = 'none'

type Flags = OutputFlags & OrganizationFlags

const POLICY_COLUMNS: readonly Column<GroupAIModelPolicy>[] = [
  { name: 'group id', value: (policy) => policy.group_id },
  { name: 'allow', value: (policy) => policy.allow.join(', ') || 'all' },
  { name: 'deny', value: (policy) => policy.deny.join(', ') || NONE },
  { name: 'aliases', value: (policy) => aliasesOf(policy) },
]

const LIMIT_COLUMNS: readonly Column<GroupAILimits>[] = [
  { name: 'group id', value: (limits) => limits.group_id },
  { name: 'limit of all', value: (limits) => dollars(limits.total_spend_limit_micros, NONE) },
  { name: 'tokens per minute', value: (limits) => String(limits.tokens_per_minute ?? NONE) },
  { name: 'of each member', value: (limits) => String(limits.member_tokens_per_minute ?? NONE) },
]

const PRIVACY_COLUMNS: readonly Column<OrganizationAIPrivacy>[] = [
  { name: 'organization id', value: (privacy) => privacy.organization_id },
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
      const params = { group: (await chosenGroup(client, own, name)).id }
      printRow(await client.call(getGroupAIModelPolicy, { params }), POLICY_COLUMNS, own)
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
      const params = { group: (await chosenGroup(client, own, name)).id }
      printRow(await client.call(upsertGroupAIModelPolicy, { params, body }), POLICY_COLUMNS, own)
    })
  organizationOption(models.command('delete <group>'))
    .alias('rm')
    .description('Let the members of a group use every model')
    .action(async (name: string, own: OrganizationFlags, command: Command) => {
      const client = await openSession(command)
      const group = await chosenGroup(client, own, name)
      await client.call(deleteGroupAIModelPolicy, { params: { group: group.id } })
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
      const params = { group: (await chosenGroup(client, own, name)).id }
      printRow(await client.call(getGroupAILimits, { params }), LIMIT_COLUMNS, own)
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
      const params = { group: (await chosenGroup(client, own, name)).id }
      printRow(await client.call(upsertGroupAILimits, { params, body }), LIMIT_COLUMNS, own)
    })
  organizationOption(limits.command('delete <group>'))
    .alias('rm')
    .description('Take the limits of a group away')
    .action(async (name: string, own: OrganizationFlags, command: Command) => {
      const client = await openSession(command)
      const group = await chosenGroup(client, own, name)
      await client.call(deleteGroupAILimits, { params: { group: group.id } })
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

interface Setting {
  readonly name: string
  readonly value: string
}

const SETTING_COLUMNS: readonly Column<Setting>[] = [
  { name: 'setting', value: (setting) => setting.name },
  { name: 'value', value: (setting) => setting.value },
]

function settingCommands(settings: Command): void {
  tableOptions(settings.command('show'), SETTING_COLUMNS)
    .description('Show the settings of the gateway')
    .action(async (own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      printSettings(await client.call(getAIGatewaySettings), own)
    })
  tableOptions(settings.command('set [assignments...]'), SETTING_COLUMNS)
    .description('Change settings of the gateway, named as `show` names them; all others stay')
    .addHelpText(
      'after',
      '\nFor example: slipway ai-gateway policy settings set budget_period=week guardrails.secrets=redact\n' +
        'Without assignments, or for secrets, a JSON object is read from standard input.',
    )
    .action(async (assignments: readonly string[], own: OutputFlags, command: Command) => {
      const body =
        assignments.length === 0 ? await standardInputObject('the settings') : assignmentsIn(assignments)
      const client = await openSession(command)
      const changed = await client.upload(updateAIGatewaySettings, jsonBytes(body), 'application/json')
      printSettings(changed, own)
    })
}

function printSettings(settings: AIGatewaySettings, own: OutputFlags): void {
  if (own.output === 'json') process.stdout.write(`${JSON.stringify(settings, null, 2)}\n`)
  else printRows(settingsIn(settings), SETTING_COLUMNS, own)
}

function settingsIn(settings: object, before = ''): Setting[] {
  return Object.entries(settings).flatMap(([key, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? settingsIn(value, `${before}${key}.`)
      : [{ name: before + key, value: typeof value === 'string' ? value : JSON.stringify(value) }],
  )
}

/** @throws CommandError for what assigns nothing, and for secrets: other programs of the machine see the command line. */
function assignmentsIn(assignments: readonly string[]): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  const guardrails: Record<string, unknown> = {}
  for (const assignment of assignments) {
    const [, inner, name, text] = /^(guardrails\.)?([a-z_]+)=(.*)$/s.exec(assignment) ?? []
    if (name === undefined || text === undefined)
      throw new CommandError(`${JSON.stringify(assignment)} must be an assignment such as budget_period=week`)
    if (name.endsWith('_secret'))
      throw new CommandError(`${name} is a secret: give it on standard input, in a JSON object`)
    const target = inner === undefined ? body : guardrails
    target[name] = settingOf(text)
  }
  return Object.keys(guardrails).length === 0 ? body : { ...body, guardrails }
}

/** Numbers, switches and lists are JSON; all else is text. */
function settingOf(text: string): unknown {
  if (!/^(true|false|-?\d+|\[.*\])$/s.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
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
