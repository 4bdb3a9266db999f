import { readFile } from 'node:fs/promises'

import type { Command } from 'commander'

import {
  type AIModelPrice,
  type AIModelPriceChange,
  type AIModelPriceUpsert,
  deleteAIModelPrice,
  listAIModelPriceChanges,
  listAIModelPrices,
  upsertAIModelPrices,
} from '@slipway/contract'
import { dollars, micros } from '../dollars.ts'
import { CommandError } from '../errors.ts'
import { ago, type Column, day, type OutputFlags, printRows, tableOptions } from '../output.ts'
import { openSession } from '../session.ts'
import { jsonBytes, standardInput } from '../standard-input.ts'
import { wholeNumber } from '../whole-number.ts'

const COLUMNS: readonly Column<AIModelPrice>[] = [
  { name: 'provider', value: (price) => price.provider },
  { name: 'model', value: (price) => price.model },
  { name: 'input', value: (price) => dollars(price.input_price, 'unknown') },
  { name: 'output', value: (price) => dollars(price.output_price, 'unknown') },
  { name: 'cache read', value: (price) => dollars(price.cache_read_price, 'unknown') },
  { name: 'cache write', value: (price) => dollars(price.cache_write_price, 'unknown') },
  { name: 'source', value: (price) => price.source },
  { name: 'updated at', value: (price) => day(price.updated_at), extra: true },
]

interface ListFlags extends OutputFlags {
  readonly provider?: string
  readonly model?: string
  readonly source?: string
}

interface SetFlags {
  readonly input?: string
  readonly output?: string
  readonly cacheRead?: string
  readonly cacheWrite?: string
}

/** `ai-gateway prices …`. */
export function priceCommands(gateway: Command): void {
  const prices = gateway
    .command('prices')
    .alias('price')
    .description('Manage what models cost, in dollars for a million tokens')
  listCommand(prices)
  prices
    .command('set <provider> <model>')
    .description('Set what a model costs; what is not given stays. The provider is given by its type')
    .option('--input <dollars>', 'for a million tokens of input')
    .option('--output <dollars>', 'of output')
    .option('--cache-read <dollars>', 'of input that its cache had')
    .option('--cache-write <dollars>', 'of input that its cache takes')
    .action(async (provider: string, model: string, own: SetFlags, command: Command) => {
      const given: AIModelPriceUpsert = {}
      if (own.input !== undefined) given.input_price = micros(own.input, '--input')
      if (own.output !== undefined) given.output_price = micros(own.output, '--output')
      if (own.cacheRead !== undefined) given.cache_read_price = micros(own.cacheRead, '--cache-read')
      if (own.cacheWrite !== undefined) given.cache_write_price = micros(own.cacheWrite, '--cache-write')
      if (Object.keys(given).length === 0)
        throw new CommandError('nothing to set: give --input, --output, --cache-read or --cache-write')
      const client = await openSession(command)
      const [before] = await client.call(listAIModelPrices, { query: { provider, model } })
      await client.call(upsertAIModelPrices, {
        body: {
          prices: [
            {
              provider,
              model,
              input_price: before?.input_price ?? null,
              output_price: before?.output_price ?? null,
              cache_read_price: before?.cache_read_price ?? null,
              cache_write_price: before?.cache_write_price ?? null,
              ...given,
            },
          ],
        },
      })
      process.stdout.write(`Set the price of ${provider}/${model}.\n`)
    })
  tableOptions(prices.command('history [provider] [model]'), CHANGE_COLUMNS)
    .description('Show what has changed of prices, the latest in front')
    .option('--limit <count>', 'how many changes', '25')
    .action(
      async (
        provider: string | undefined,
        model: string | undefined,
        own: OutputFlags & { readonly limit: string },
        command: Command,
      ) => {
        const limit = wholeNumber(own.limit, '--limit')
        const client = await openSession(command)
        const changes = await client.call(listAIModelPriceChanges, {
          query: {
            limit,
            ...(provider === undefined ? {} : { provider }),
            ...(model === undefined ? {} : { model }),
          },
        })
        printRows(changes, CHANGE_COLUMNS, own)
      },
    )
  prices
    .command('delete <provider> <model>')
    .alias('rm')
    .description('Take away what was set; what the release says counts again, where it says something')
    .action(async (provider: string, model: string, _own: unknown, command: Command) => {
      const client = await openSession(command)
      await client.call(deleteAIModelPrice, { query: { provider, model } })
      process.stdout.write(`Took away the price of ${provider}/${model}.\n`)
    })
}

const CHANGE_COLUMNS: readonly Column<AIModelPriceChange>[] = [
  { name: 'changed', value: (change) => ago(change.changed_at) },
  { name: 'by', value: ({ changed_by: by }) => by?.username ?? 'release' },
  { name: 'provider', value: (change) => change.provider },
  { name: 'model', value: (change) => change.model },
  { name: 'input', value: (change) => priceAfter(change, change.input_price) },
  { name: 'output', value: (change) => priceAfter(change, change.output_price) },
  { name: 'cache read', value: (change) => priceAfter(change, change.cache_read_price) },
  { name: 'cache write', value: (change) => priceAfter(change, change.cache_write_price) },
  { name: 'source', value: (change) => change.source, extra: true },
]

function priceAfter({ removed }: AIModelPriceChange, micros: number | null): string {
  return removed ? 'removed' : dollars(micros, 'unknown')
}

/** `exp ai-model-prices …`. */
export function experimentalPriceCommands(experimental: Command): void {
  const prices = experimental.command('ai-model-prices').description('Manage what models cost')
  listCommand(prices)
  prices
    .command('update [file]')
    .description(
      'Set prices that a file, or standard input, holds as JSON: {"prices": [...]} or the list alone',
    )
    .action(async (file: string | undefined, _own: unknown, command: Command) => {
      const given = pricesIn(
        file === undefined || file === '-' ? await standardInput('the prices') : await readFile(file, 'utf8'),
      )
      const client = await openSession(command)
      await client.upload(upsertAIModelPrices, jsonBytes({ prices: given }), 'application/json')
      process.stdout.write(`Set ${given.length} prices.\n`)
    })
}

function listCommand(prices: Command): void {
  tableOptions(prices.command('list').alias('ls'), COLUMNS)
    .description('List what models cost, in dollars for a million tokens')
    .option('--provider <type>', 'of this type of provider')
    .option('--model <model>', 'of this model')
    .option('--source <source>', 'default, custom or all; what counts when absent')
    .action(async (own: ListFlags, command: Command) => {
      const { provider, model, source } = own
      if (source !== undefined && source !== 'default' && source !== 'custom' && source !== 'all')
        throw new CommandError(`--source must be default, custom or all, not ${JSON.stringify(source)}`)
      const client = await openSession(command)
      const found = await client.call(listAIModelPrices, {
        query: {
          ...(provider === undefined ? {} : { provider }),
          ...(model === undefined ? {} : { model }),
          ...(source === undefined ? {} : { source }),
        },
      })
      printRows(found, COLUMNS, own)
    })
}

/** @throws CommandError for what is no list of prices; what is in it is for the server to judge. */
function pricesIn(text: string): readonly unknown[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new CommandError(
      `the prices are not JSON: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  const list = typeof value === 'object' && value !== null && 'prices' in value ? value.prices : value
  if (!Array.isArray(list))
    throw new CommandError('the prices must be a list, or an object with one: {"prices": [...]}')
  return list
}
