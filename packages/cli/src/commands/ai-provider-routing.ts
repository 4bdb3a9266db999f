import type { Command } from 'commander'

import {
  type AIProviderRouting,
  getAIProviderRouting,
  type UpdateAIProviderRoutingRequest,
  updateAIProviderRouting,
} from '@slipway/contract'
import { duration } from '../duration.ts'
import { CommandError } from '../errors.ts'
import { listOption } from '../flags.ts'
import { type Column, type OutputFlags, printRow, tableOptions } from '../output.ts'
import { openSession } from '../session.ts'
import { wholeNumber } from '../whole-number.ts'

/** Means that the release decides. */
const NONE = 'none'

const COLUMNS: readonly Column<AIProviderRouting>[] = [
  { name: 'keys', value: (routing) => routing.key_strategy },
  { name: 'fallbacks', value: (routing) => routing.fallbacks.map(targetText).join(' ') },
  { name: 'weight', value: (routing) => String(routing.weight) },
  {
    name: 'balance',
    value: (routing) => routing.balance.map((to) => `${targetText(to)}:${to.weight}`).join(' '),
  },
  { name: 'connect', value: (routing) => timeText(routing.connect_timeout_ms) },
  { name: 'first byte', value: (routing) => timeText(routing.first_byte_timeout_ms) },
  { name: 'idle', value: (routing) => timeText(routing.idle_timeout_ms) },
  { name: 'total', value: (routing) => timeText(routing.total_timeout_ms) },
]

interface RoutingFlags extends OutputFlags {
  readonly keyStrategy?: string
  readonly fallback?: readonly string[]
  readonly weight?: string
  readonly balance?: readonly string[]
  readonly connectTimeout?: string
  readonly firstByteTimeout?: string
  readonly idleTimeout?: string
  readonly totalTimeout?: string
}

/** `ai-providers routing …`. */
export function routingCommands(providers: Command): void {
  const routing = providers.command('routing').description('Say by which way requests to a provider go')
  tableOptions(routing.command('show <provider>'), COLUMNS)
    .description('Show by which way requests to a provider go')
    .action(async (idOrName: string, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      printRow(await client.call(getAIProviderRouting, { params: { idOrName } }), COLUMNS, own)
    })
  tableOptions(routing.command('set <provider>'), COLUMNS)
    .description('Change by which way requests to a provider go; what is not given stays')
    .option('--key-strategy <strategy>', 'which key is tried first: primary, round_robin or least_busy')
    .addOption(
      listOption(
        '--fallback <provider>',
        'tried when it fails, given once for each in this order; "" is none',
      ),
    )
    .option('--weight <number>', 'its own share of the requests among those of --balance')
    .addOption(
      listOption('--balance <provider:weight>', 'shares its requests, given once for each; "" is nobody'),
    )
    .option('--connect-timeout <time>', 'such as 5s; none is as the release has it')
    .option('--first-byte-timeout <time>', 'until an answer begins')
    .option('--idle-timeout <time>', 'between two parts of an answer')
    .option('--total-timeout <time>', 'for a whole answer')
    .addHelpText(
      'after',
      '\nA model has another name elsewhere: --fallback spare,gpt-5=gpt-5-mini --balance west:2,gpt-5=gpt-5-west',
    )
    .action(async (idOrName: string, own: RoutingFlags, command: Command) => {
      const body = routingIn(own)
      if (Object.keys(body).length === 0) throw new CommandError('nothing to set: give one of the options')
      const client = await openSession(command)
      printRow(await client.call(updateAIProviderRouting, { params: { idOrName }, body }), COLUMNS, own)
    })
}

function routingIn(flags: RoutingFlags): UpdateAIProviderRoutingRequest {
  const { keyStrategy, fallback, weight, balance } = flags
  const timeout = (text: string | undefined, flag: string): number | null | undefined =>
    text === undefined ? undefined : text === NONE ? null : duration(text, flag)
  const connect = timeout(flags.connectTimeout, '--connect-timeout')
  const firstByte = timeout(flags.firstByteTimeout, '--first-byte-timeout')
  const idle = timeout(flags.idleTimeout, '--idle-timeout')
  const total = timeout(flags.totalTimeout, '--total-timeout')
  return {
    ...(keyStrategy === undefined ? {} : { key_strategy: strategyOf(keyStrategy) }),
    ...(fallback === undefined
      ? {}
      : { fallbacks: fallback.filter((text) => text !== '').map((text) => targetOf(text, '--fallback')) }),
    ...(weight === undefined ? {} : { weight: wholeNumber(weight, '--weight', 0) }),
    ...(balance === undefined ? {} : { balance: balance.filter((text) => text !== '').map(shareOf) }),
    ...(connect === undefined ? {} : { connect_timeout_ms: connect }),
    ...(firstByte === undefined ? {} : { first_byte_timeout_ms: firstByte }),
    ...(idle === undefined ? {} : { idle_timeout_ms: idle }),
    ...(total === undefined ? {} : { total_timeout_ms: total }),
  }
}

function strategyOf(text: string): AIProviderRouting['key_strategy'] {
  if (text === 'primary' || text === 'round_robin' || text === 'least_busy') return text
  throw new CommandError(
    `--key-strategy must be primary, round_robin or least_busy, not ${JSON.stringify(text)}`,
  )
}

type Target = AIProviderRouting['fallbacks'][number]

/** `provider,from=to,…` */
function targetOf(text: string, flag: string): Target {
  const [provider = '', ...mappings] = text.split(',')
  const models = mappings.map((mapping): [string, string] => {
    const [from = '', to = ''] = mapping.split('=')
    if (from === '' || to === '')
      throw new CommandError(
        `${flag}: ${JSON.stringify(mapping)} must be two models, such as gpt-5=gpt-5-mini`,
      )
    return [from, to]
  })
  return models.length === 0 ? { provider } : { provider, models: Object.fromEntries(models) }
}

/** `provider:weight,from=to,…` */
function shareOf(text: string): Target & { readonly weight: number } {
  const [, provider, weight, mappings = ''] = /^([^:,]+):(\d+)(,.*)?$/.exec(text) ?? []
  if (provider === undefined || weight === undefined)
    throw new CommandError(
      `--balance must be a provider and its weight, such as west:2, not ${JSON.stringify(text)}`,
    )
  return { ...targetOf(provider + mappings, '--balance'), weight: wholeNumber(weight, '--balance') }
}

function targetText({ provider, models = {} }: Target): string {
  return [provider, ...Object.entries(models).map(([from, to]) => `${from}=${to}`)].join(',')
}

function timeText(ms: number | null): string {
  if (ms === null) return 'default'
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}
