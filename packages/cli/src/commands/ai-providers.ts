import type { Command } from 'commander'

import {
  type AIProvider,
  type AIProviderTest,
  type AIProviderTestResult,
  type AIProviderTrouble,
  createAIProvider,
  deleteAIProvider,
  getAIProvider,
  listAIProviders,
  testAIProvider,
  updateAIProvider,
} from '@slipway/contract'
import { CommandError } from '../errors.ts'
import { ago, type Column, type OutputFlags, printRow, printRows, tableOptions, until } from '../output.ts'
import { sure } from '../prompt.ts'
import { openSession } from '../session.ts'
import { ownKeyCommands } from './ai-provider-own-keys.ts'
import { routingCommands } from './ai-provider-routing.ts'
import { type AwsFlags, awsOptions, awsSettings, hasAws, readSecret } from './ai-provider-settings.ts'

/** Where a type is found when nobody says where. */
const BASE_URLS: Readonly<Record<string, string>> = {
  openai: 'https://api.openai.com/v1/',
  anthropic: 'https://api.anthropic.com/',
  google: 'https://generativelanguage.googleapis.com/v1beta/openai/',
  openrouter: 'https://openrouter.ai/api/v1/',
  vercel: 'https://ai-gateway.vercel.sh/v1/',
  copilot: 'https://api.githubcopilot.com/',
}

const COLUMNS: readonly Column<AIProvider>[] = [
  { name: 'id', value: (one) => one.id, extra: true },
  { name: 'name', value: (one) => one.name },
  { name: 'type', value: (one) => one.type },
  { name: 'url', value: (one) => one.base_url },
  { name: 'keys', value: (one) => one.api_keys.map(({ masked }) => masked).join(' ') },
  { name: 'status', value: (one) => one.status },
  { name: 'problem', value: problemsOf },
  {
    name: 'last test',
    value: ({ last_check: check }) =>
      check === null ? 'never' : `${check.ok ? 'ok' : check.error}, ${ago(check.checked_at)}`,
    extra: true,
  },
]

/** Why it cannot be used, and what requests have found wrong with it and its keys. */
function problemsOf({
  status_detail: detail,
  trouble,
  api_keys: keys,
  open_circuits: circuits,
}: AIProvider): string {
  return [
    detail,
    ...(trouble === null ? [] : [`${trouble.error}, ${ago(trouble.since)}`]),
    ...keys.flatMap(({ masked, trouble: found }) =>
      found === null ? [] : [`${masked} is ${TROUBLES[found.kind]}: ${found.error}, ${ago(found.since)}`],
    ),
    ...circuits.map(
      ({ route, model, until: time }) => `${model || route} is left alone, again ${until(time)}`,
    ),
  ]
    .filter((problem) => problem !== '')
    .join('; ')
}

const TROUBLES: Readonly<Record<AIProviderTrouble['kind'], string>> = {
  rate_limited: 'limited',
  unauthorized: 'refused',
  forbidden: 'refused',
  failing: 'failing',
}

const TEST_COLUMNS: readonly Column<AIProviderTestResult>[] = [
  { name: 'key', value: (result) => result.masked || '(none)' },
  { name: 'works', value: (result) => (result.ok ? 'yes' : 'no') },
  { name: 'status', value: (result) => (result.status_code === 0 ? '' : String(result.status_code)) },
  { name: 'ms', value: (result) => String(result.latency_ms) },
  { name: 'error', value: (result) => result.error },
]

interface CreateFlags extends OutputFlags, AwsFlags {
  readonly type?: string
  readonly baseUrl?: string
  readonly displayName?: string
  readonly key: boolean
  readonly disabled?: boolean
}

interface UpdateFlags extends OutputFlags, AwsFlags {
  readonly baseUrl?: string
  readonly displayName?: string
  readonly icon?: string
}

/** `ai-providers …`. */
export function aiProviderCommands(program: Command): void {
  const providers = program.command('ai-providers')
  tableOptions(providers.command('list').alias('ls'), COLUMNS)
    .description('List model providers; nothing shows their keys whole')
    .action(async (own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      printRows(await client.call(listAIProviders), COLUMNS, own)
    })
  tableOptions(providers.command('show <provider>'), COLUMNS)
    .description('Show a provider, by name or id')
    .action(async (idOrName: string, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      printRow(await client.call(getAIProvider, { params: { idOrName } }), COLUMNS, own)
    })
  awsOptions(tableOptions(providers.command('create <name>'), COLUMNS))
    .description('Add a provider; its key is asked for, or read from standard input')
    .option(
      '-t, --type <type>',
      'openai, anthropic, google, bedrock, azure, openai-compat, openrouter, vercel or copilot; the name when absent',
    )
    .option('--base-url <url>', "where it is; the provider's own address when absent")
    .option('--display-name <name>', 'what people see')
    .option('--no-key', 'it needs no key')
    .option('--disabled', 'do not use it yet')
    .addHelpText(
      'after',
      '\nFor example: printf %s "$ANTHROPIC_API_KEY" | slipway ai-providers create anthropic\n' +
        '             slipway ai-providers create bedrock --region us-east-1\n' +
        'Bedrock takes no key: without --access-key, the server uses what its environment has of AWS. Nor does Copilot.',
    )
    .action(async (name: string, own: CreateFlags, command: Command) => {
      const type = own.type ?? name
      const baseUrl =
        own.baseUrl ?? (type === 'bedrock' || hasAws(own) ? bedrockUrl(own.region) : BASE_URLS[type])
      if (baseUrl === undefined) throw new CommandError(`--base-url is required for the type ${type}`)
      const throughAws = type === 'bedrock' || hasAws(own)
      const client = await openSession(command)
      const settings = throughAws ? await awsSettings(own) : undefined
      const keys = own.key && !throughAws && type !== 'copilot' ? [await readSecret('Key')] : []
      const made = await client.call(createAIProvider, {
        body: {
          name,
          type,
          base_url: baseUrl,
          enabled: own.disabled !== true,
          api_keys: keys,
          ...(own.displayName === undefined ? {} : { display_name: own.displayName }),
          ...(settings === undefined ? {} : { settings }),
        },
      })
      printRow(made, COLUMNS, own)
    })
  awsOptions(tableOptions(providers.command('update <provider>'), COLUMNS))
    .description('Change a provider; what is not given stays')
    .option('--base-url <url>', 'where it is')
    .option('--display-name <name>', 'what people see')
    .option('--icon <url>', 'picture of it')
    .action(async (idOrName: string, own: UpdateFlags, command: Command) => {
      const { baseUrl, displayName, icon } = own
      if (baseUrl === undefined && displayName === undefined && icon === undefined && !hasAws(own))
        throw new CommandError('nothing to change: give one of the options')
      const client = await openSession(command)
      const before = hasAws(own) ? await client.call(getAIProvider, { params: { idOrName } }) : undefined
      const changed = await client.call(updateAIProvider, {
        params: { idOrName },
        body: {
          ...(baseUrl === undefined ? {} : { base_url: baseUrl }),
          ...(displayName === undefined ? {} : { display_name: displayName }),
          ...(icon === undefined ? {} : { icon }),
          ...(before === undefined ? {} : { settings: await awsSettings(own, before.settings ?? undefined) }),
        },
      })
      printRow(changed, COLUMNS, own)
    })
  tableOptions(providers.command('set-key <provider>'), COLUMNS)
    .description('Give a provider another key, which is asked for or read from standard input')
    .option('--add', 'keep the keys that it has')
    .action(async (idOrName: string, own: OutputFlags & { readonly add?: boolean }, command: Command) => {
      const client = await openSession(command)
      const provider = await client.call(getAIProvider, { params: { idOrName } })
      const kept = own.add === true ? provider.api_keys.map(({ id }) => ({ id })) : []
      const changed = await client.call(updateAIProvider, {
        params: { idOrName },
        body: { api_keys: [...kept, { api_key: await readSecret('Key') }] },
      })
      printRow(changed, COLUMNS, own)
    })
  tableOptions(providers.command('test <provider>'), TEST_COLUMNS)
    .description('Try each key of a provider with a cheap request')
    .action(async (idOrName: string, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      const tested: AIProviderTest = await client.call(testAIProvider, { params: { idOrName } })
      if (own.output === 'json') process.stdout.write(`${JSON.stringify(tested, null, 2)}\n`)
      else printRows(tested.results, TEST_COLUMNS, own)
      if (!tested.ok) process.exitCode = 1
    })
  for (const [word, enabled] of [
    ['enable', true],
    ['disable', false],
  ] as const)
    providers
      .command(`${word} <provider>`)
      .description(enabled ? 'Let requests through to a provider' : 'Let no requests through to a provider')
      .action(async (idOrName: string, _own: unknown, command: Command) => {
        const client = await openSession(command)
        const { name } = await client.call(updateAIProvider, { params: { idOrName }, body: { enabled } })
        process.stdout.write(`The provider ${name} is ${word}d.\n`)
      })
  routingCommands(providers)
  ownKeyCommands(providers)
  providers
    .command('delete <provider>')
    .alias('rm')
    .description('Delete a provider, given by name or id')
    .option('-y, --yes', 'do not ask')
    .action(async (idOrName: string, own: { readonly yes?: boolean }, command: Command) => {
      const client = await openSession(command)
      const { name } = await client.call(getAIProvider, { params: { idOrName } })
      await sure(`Delete the provider ${name}? Its models can be used no more.`, own.yes)
      await client.call(deleteAIProvider, { params: { idOrName } })
      process.stdout.write(`Deleted the provider ${name}.\n`)
    })
}

function bedrockUrl(region = 'us-east-1'): string {
  return `https://bedrock-runtime.${region}.amazonaws.com`
}
