import type { Command } from 'commander'

import {
  type APIKey,
  type APIKeyAILimits,
  type APIKeyAILimitsStatus,
  createToken,
  deleteKey,
  getAPIKeyAILimits,
  getTokenByName,
  listTokens,
  type UpsertAPIKeyAILimitsRequest,
  upsertAPIKeyAILimits,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { dollars, micros } from '../dollars.ts'
import { duration } from '../duration.ts'
import { CommandError, unlessMissing } from '../errors.ts'
import { listOption } from '../flags.ts'
import { ago, type Column, day, type OutputFlags, printRow, printRows, tableOptions } from '../output.ts'
import { openSession } from '../session.ts'
import { wholeNumber } from '../whole-number.ts'

const NANOSECONDS = 1_000_000
/** With which a token reaches the gateway and nothing else (AG-B7). */
const SCOPE = 'coder:ai_gateway.use'
/** Says that there is no limit. */
const NONE = 'none'

const COLUMNS: readonly Column<APIKeyAILimitsStatus>[] = [
  { name: 'key id', value: (limits) => limits.key_id },
  ...limitColumns((limits: APIKeyAILimitsStatus) => limits),
]

interface Key {
  readonly key: APIKey
  readonly limits: APIKeyAILimitsStatus
}

const LIST_COLUMNS: readonly Column<Key>[] = [
  { name: 'name', value: ({ key }) => key.token_name },
  { name: 'key id', value: ({ key }) => key.id, extra: true },
  ...limitColumns(({ limits }: Key) => limits),
  {
    name: 'last used',
    value: ({ key }) => (key.last_used.startsWith('0001') ? 'never' : ago(key.last_used)),
  },
  { name: 'expires at', value: ({ key }) => day(key.expires_at) },
]

interface LimitFlags {
  readonly provider?: readonly string[]
  readonly model?: readonly string[]
  readonly monthlyLimit?: string
  readonly requestsPerSecond?: string
  readonly tokensPerMinute?: string
}

interface CreateFlags extends LimitFlags {
  readonly name?: string
  readonly lifetime?: string
  readonly user: string
}

/** `ai-gateway keys …`. */
export function keyCommands(gateway: Command): void {
  const keys = gateway
    .command('keys')
    .alias('key')
    .description('Manage virtual keys: tokens that may ask models, and nothing else')
  limitOptions(keys.command('create'))
    .description('Make a key for a program; it is shown once')
    .option('-n, --name <name>', 'name of the key')
    .option('--lifetime <duration>', 'such as 24h or 30d')
    .option('-u, --user <user>', 'who it acts for', 'me')
    .action(async (own: CreateFlags, command: Command) => {
      const limits = limitsIn(own)
      const lifetime =
        own.lifetime === undefined
          ? {}
          : { lifetime: Math.round(duration(own.lifetime, '--lifetime') * NANOSECONDS) }
      const client = await openSession(command)
      const { key } = await client.call(createToken, {
        params: { user: own.user },
        body: {
          scopes: [SCOPE],
          ai_limits: limits,
          ...lifetime,
          ...(own.name === undefined ? {} : { token_name: own.name }),
        },
      })
      process.stdout.write(`${key}\n`)
    })
  tableOptions(keys.command('list').alias('ls'), LIST_COLUMNS)
    .description('List keys that hold, with their limits and what they have spent')
    .option('-u, --user <user>', 'who they act for', 'me')
    .action(async (own: OutputFlags & { readonly user: string }, command: Command) => {
      const client = await openSession(command)
      const params = { user: own.user }
      const tokens = await client.call(listTokens, { params, query: {} })
      const found: Key[] = []
      for (const key of tokens)
        if (key.scopes.length === 1 && key.scopes[0] === SCOPE)
          found.push({
            key,
            limits: await client.call(getAPIKeyAILimits, { params: { ...params, keyid: key.id } }),
          })
      printRows(found, LIST_COLUMNS, own)
    })
  tableOptions(keys.command('show <name>'), COLUMNS)
    .description('Show the limits of a key, given by its name, and what it has spent')
    .option('-u, --user <user>', 'who it acts for', 'me')
    .action(async (name: string, own: OutputFlags & { readonly user: string }, command: Command) => {
      const client = await openSession(command)
      const params = { user: own.user, keyid: await keyId(client, own.user, name) }
      printRow(await client.call(getAPIKeyAILimits, { params }), COLUMNS, own)
    })
  tableOptions(limitOptions(keys.command('set <name>')), COLUMNS)
    .description('Change the limits of a key, given by its name; what is not given stays')
    .option('-u, --user <user>', 'who it acts for', 'me')
    .action(
      async (name: string, own: OutputFlags & LimitFlags & { readonly user: string }, command: Command) => {
        const given = limitsIn(own)
        if (Object.keys(given).length === 0)
          throw new CommandError('nothing to change: give --model, --provider, --monthly-limit, …')
        const client = await openSession(command)
        const params = { user: own.user, keyid: await keyId(client, own.user, name) }
        printRow(await client.call(upsertAPIKeyAILimits, { params, body: given }), COLUMNS, own)
      },
    )
  keys
    .command('delete <name>')
    .alias('rm')
    .description('Delete a key, given by its name, so that it reaches nothing any more')
    .option('-u, --user <user>', 'who it acts for', 'me')
    .action(async (name: string, own: { readonly user: string }, command: Command) => {
      const client = await openSession(command)
      const params = { user: own.user, keyid: await keyId(client, own.user, name) }
      await client.call(deleteKey, { params })
      process.stdout.write(`The key ${name} was deleted.\n`)
    })
}

function limitOptions(command: Command): Command {
  return command
    .addOption(listOption('--provider <name>', 'provider it may use, given once for each; all when absent'))
    .addOption(
      listOption(
        '--model <glob>',
        'model it may use, such as "claude-*", given once for each; all when absent',
      ),
    )
    .option('--monthly-limit <dollars>', 'what it may spend in a month, or none')
    .option('--requests-per-second <count>', 'how fast it may ask, or none')
    .option('--tokens-per-minute <count>', 'how much it may use, or none')
}

function limitsIn(flags: LimitFlags): UpsertAPIKeyAILimitsRequest {
  const { provider, model, monthlyLimit, requestsPerSecond, tokensPerMinute } = flags
  const limit = (text: string, read: (text: string) => number): number | null =>
    text === NONE ? null : read(text)
  const limits: Partial<APIKeyAILimits> = {}
  if (provider !== undefined) limits.providers = listIn(provider)
  if (model !== undefined) limits.models = listIn(model)
  if (monthlyLimit !== undefined)
    limits.monthly_spend_limit_micros = limit(monthlyLimit, (text) => micros(text, '--monthly-limit'))
  if (requestsPerSecond !== undefined)
    limits.requests_per_second = limit(requestsPerSecond, (text) =>
      wholeNumber(text, '--requests-per-second'),
    )
  if (tokensPerMinute !== undefined)
    limits.tokens_per_minute = limit(tokensPerMinute, (text) => wholeNumber(text, '--tokens-per-minute', 0))
  return limits
}

/** What may be used; `*` alone lifts the limit. */
function listIn(given: readonly string[]): string[] | null {
  return given.length === 1 && given[0] === '*' ? null : [...given]
}

async function keyId(client: Connection, user: string, name: string): Promise<string> {
  const { id } = await unlessMissing(
    client.call(getTokenByName, { params: { user, keyname: name } }),
    `there is no key ${name}: \`slipway ai-gateway keys list\` has those that hold`,
  )
  return id
}

function limitColumns<Row>(limitsOf: (row: Row) => APIKeyAILimitsStatus): Column<Row>[] {
  return [
    { name: 'providers', value: (row) => limitsOf(row).providers?.join(', ') ?? 'all' },
    { name: 'models', value: (row) => limitsOf(row).models?.join(', ') ?? 'all' },
    { name: 'spent this month', value: (row) => dollars(limitsOf(row).current_spend_micros, '') },
    { name: 'monthly limit', value: (row) => dollars(limitsOf(row).monthly_spend_limit_micros, NONE) },
    { name: 'requests per second', value: (row) => String(limitsOf(row).requests_per_second ?? NONE) },
    { name: 'tokens per minute', value: (row) => String(limitsOf(row).tokens_per_minute ?? NONE) },
  ]
}
